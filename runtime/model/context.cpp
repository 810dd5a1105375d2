#include "runtime/model/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/demand.h"

namespace rw::model {
namespace {

std::string table(const Ledger& ledger) {
    std::string text;
    for (const auto& [purpose, bytes] : ledger)
        text += fmt::format("\n  {:<16} {:>10.1f} MiB", purpose, double(bytes) / (1 << 20));
    return text;
}

}  // namespace

void Context::prepare(Memory& memory, const Progress& progress) {
    weights_ = model_->load(memory, options_.mtp, progress);
    pools_ = make_pools(options_.pools, geometry(), has_mtp(), memory);
    lanes_.resize(options_.joint && options_.pools.sequences > 1 ? 2 : 1);
    std::vector<int64_t> most_inputs(lanes_.size(), 0);
    for (const Shape& shape : largest_shapes(options_, has_mtp())) {
        Lane& own = lane(shape.prefill);
        Graph graph(own, nullptr, shape.prefill);
        forward().build(graph, shape);
        int64_t& most = most_inputs[size_t(&own - lanes_.data())];
        most = std::max(most, InputPlaces(shape).end);
    }
    for (size_t i = 0; i < lanes_.size(); ++i) {
        lanes_[i].scratch.allocate(memory);
        lanes_[i].inputs = memory.make("scratch", Type::i32, {most_inputs[i], 1, 1, 1});
    }
}

Context::Context(std::shared_ptr<const Model> model, std::shared_ptr<core::Device> device, const Options& options,
                 const Progress& progress)
    : model_(std::move(model)), device_(std::move(device)), options_(options), memory_(device_) {
    const PoolShape& p = options_.pools;
    const Ledger would = measure(*model_, device_, options_);
    const uint64_t budget = options_.budget ? options_.budget : device_->info().memory;
    if (budget && total(would) > budget)
        throw Error(Status::out_of_memory, fmt::format("{} bytes are needed where {} are to be had on {}:{}\n{}",
                                                       total(would), budget, device_->info().id, table(would),
                                                       advice(would, budget)));
    prepare(memory_, progress);
    if (const auto scratch = would.find("kernel scratch"); scratch != would.end())
        kernel_scratch_ = memory_.buffer(scratch->first, scratch->second);
    for (const char* purpose : {"plans", "staging"})
        if (const auto bytes = would.find(purpose); bytes != would.end()) memory_.count(purpose, bytes->second);
    plans_ = PlanCache<Shapes, core::Plan>(would.at("plans") - Checkpoints::plan_bytes(*device_, pools_));
    taken_.assign(size_t(p.sequences), false), ran_.resize(size_t(p.sequences));
    checkpoints_.begin(device_, pools_);
}

Context::Context(const Model& model, std::shared_ptr<core::Device> device, const Options& options)
    : model_(std::shared_ptr<void>(), &model), device_(std::move(device)), options_(options),
      memory_(device_, Memory::Mode::measure) {
    prepare(memory_, {});
}

void Context::measure_plans() {
    const Demand demand = demand_of(*device_, forward(), lanes_, options_);
    if (demand.scratch) memory_.count("kernel scratch", demand.scratch);
    memory_.count("plans", std::max(options_.plans, demand.plan) + Checkpoints::plan_bytes(*device_, pools_));
    if (const uint64_t staging = device_->staging_bytes()) memory_.count("staging", staging);
}

Ledger Context::measure(const Model& model, std::shared_ptr<core::Device> device, const Options& options) {
    check_options(options, model.geometry());
    Context context(model, std::move(device), options);
    context.measure_plans();
    return context.ledger();
}

bool Context::has_free_row() const { return std::find(taken_.begin(), taken_.end(), false) != taken_.end(); }

int64_t Context::take_row() {
    const auto free = std::find(taken_.begin(), taken_.end(), false);
    if (free == taken_.end())
        throw Error(Status::out_of_memory,
                    fmt::format("all {} sequences of the context are in use; drop one or make the context larger",
                                taken_.size()));
    const int64_t row = free - taken_.begin();
    clear_row(row);
    *free = true;
    return row;
}

void Context::clear_row(int64_t row) {
    pools_.clear(row);
    checkpoints_.forget(row);
}

core::Plan& Context::plan(const Shapes& shapes) {
    if (core::Plan* known = plans_.find(shapes)) return *known;
    auto plan = std::make_unique<core::Plan>(device_, kernel_scratch_);
    forward().build(shapes, lanes_, [&](const ops::Call& call) { plan->add(call); });
    const uint64_t bytes = plan->bytes();
    plans_.make_room(bytes);
    plan->prepare();
    return plans_.put(shapes, std::move(plan), bytes);
}

/// Puts down what the call is about, in its lane and for its rows.
void Context::give(const Call& call, const Shape& s) {
    Lane& own = lane(s.prefill);
    const std::vector<int32_t> values = inputs_of(call, s, geometry().width);
    own.inputs.buffer->write(0, values.data(), values.size() * 4);
    if (s.embeddings) {
        const Tensor embedding = own.scratch.tensor("embedding", Type::f32, {geometry().width, s.N, 1, 1});
        uint64_t to = 0;
        for (const Part& part : call.parts) {
            embedding.buffer->write(to, part.embeddings.data(), part.embeddings.size_bytes());
            to += part.embeddings.size_bytes();
        }
    }
    for (const Part& part : call.parts) {
        Ran& ran = ran_[size_t(part.row)];
        ran.prompt = s.prefill;
        ran.rope.assign(part.rope.begin(), part.rope.begin() + std::ptrdiff_t(part.rope.size() / 3));
        for (size_t i = ran.rope.size(); i < part.rope.size(); ++i)
            ran.rope[i % ran.rope.size()] = std::max(ran.rope[i % ran.rope.size()], part.rope[i]);
    }
    for (const Part& part : call.parts)  // what is in the last slot of a sequence that is elsewhere was rolled back
        if (s.prefill && part.pos > 0 && options_.pools.form == StateForm::snapshots)
            pools_.make_last(part.row, part.slot);
    checkpoints_.keep(call.parts, s.prefill);
}

/// Recording takes milliseconds, which a pair that comes up once, as the end of a prompt does, would not earn back.
bool Context::worth_recording(const Shapes& both) {
    constexpr size_t most = 256;
    if (plans_.find(both) || met_.erase(both)) return true;
    if (met_.size() == most) met_.clear();
    met_.insert(both);
    return false;
}

void Context::run_all(std::initializer_list<const Call*> calls) {
    broke_off_ = false;
    Shapes shapes;
    for (const Call* call : calls)
        (call->wanted.prefill ? shapes.prompt : shapes.exact) = shape_of(*call, options_, geometry(), has_mtp());
    const bool two = calls.size() == 2 && !worth_recording(shapes);
    if (two) plan({shapes.exact, {}});  // what recording throws comes before anything has run
    core::Plan* ready = &plan(two ? Shapes{{}, shapes.prompt} : shapes);
    last_ = {};
    for (const Call* call : calls) give(*call, call->wanted.prefill ? *shapes.prompt : *shapes.exact);
    broke_off_ = true;
    ready->run();
    if (two) plan({shapes.exact, {}}).run();
    broke_off_ = false, last_ = shapes;
}

void Context::run(const std::vector<Part>& parts, const Wanted& wanted) {
    const Call call{parts, wanted};
    run_all({&call});
}

void Context::run(const Call& prompt, const Call& exact) {
    broke_off_ = false;
    const auto that = [](bool ok, const char* text) {
        if (!ok) throw Error(Status::invalid_argument, text);
    };
    that(joins(), "run: the context was not made for two calls in one plan; give them one after the other");
    that(prompt.wanted.prefill && !exact.wanted.prefill, "run: a prefill call and an exact one go into one plan");
    for (const Part& a : prompt.parts)
        for (const Part& b : exact.parts)
            that(a.row != b.row, "run: a sequence is in one of two calls of a plan, not in both");
    run_all({&prompt, &exact});
}

Context::Result Context::result(size_t i) const {
    const size_t exact = last_.exact ? size_t(last_.exact->logits) : 0;
    if (i < exact) return {lanes_.front().scratch, *last_.exact, i};
    if (last_.prompt && i - exact < size_t(last_.prompt->logits))
        return {lanes_.back().scratch, *last_.prompt, i - exact};
    throw Error(Status::invalid_argument, "the last call was not asked for the logits of that row");
}

std::vector<float> Context::logits(size_t i) const {
    const Result found = result(i);
    std::vector<float> row(geometry().vocab);
    const Tensor all = found.scratch.tensor("logits", Type::f32, {geometry().vocab, found.shape.logits, 1, 1});
    all.buffer->read(found.at * row.size() * sizeof(float), row.data(), row.size() * sizeof(float));
    return row;
}

std::vector<float> Context::hidden(size_t i) const {
    const Result found = result(i);
    std::vector<float> row(geometry().width);
    const Tensor all = found.scratch.tensor(found.shape.all_rows ? "hidden" : "chosen", Type::f32,
                                            {geometry().width, found.shape.logits, 1, 1});
    all.buffer->read(found.at * row.size() * sizeof(float), row.data(), row.size() * sizeof(float));
    return row;
}

std::vector<Candidate> Context::candidates(size_t i) const {
    const Result found = result(i);
    const size_t k = size_t(options_.top);
    std::vector<int32_t> ids(k);
    std::vector<float> shares(k);
    const Extent ne{options_.top, found.shape.logits, 1, 1};
    found.scratch.tensor("top_ids", Type::i32, ne).buffer->read(found.at * k * 4, ids.data(), k * 4);
    found.scratch.tensor("top_shares", Type::f32, ne).buffer->read(found.at * k * 4, shares.data(), k * 4);
    std::vector<Candidate> list(k);
    for (size_t j = 0; j < k; ++j) list[j] = {ids[j], shares[j]};
    return list;
}

std::vector<std::vector<Candidate>> Context::draft(const std::vector<Part>& parts, const std::vector<int>& steps) {
    Shape s;
    s.N = s.B = int64_t(parts.size()), s.mtp = true;
    s.steps = steps.empty() ? 0 : *std::max_element(steps.begin(), steps.end());
    s.forced = parts.empty() ? 0 : int64_t(parts.front().tokens.size()) - 1;
    if (!has_mtp())
        throw Error(Status::invalid_argument, "draft: the model has no MTP block, or the context was made without it");
    if (parts.empty() || steps.size() != parts.size() || s.steps < 1 || s.steps >= options_.pools.most_exact ||
        s.B > options_.pools.sequences)
        throw Error(Status::invalid_argument, fmt::format("draft: 1 to {} steps for each of 1 to {} parts are expected",
                                                          options_.pools.most_exact - 1, options_.pools.sequences));
    check(parts, options_, geometry());
    for (const Part& part : parts) {
        if (int64_t(part.tokens.size()) != s.forced + 1 || s.forced < 0 || s.forced >= s.steps)
            throw Error(Status::invalid_argument,
                        "draft: a part is the token that was chosen last and a guess, of all as long and shorter than the steps");
        const size_t n = part.tokens.size();
        if (!part.rope.empty() && (part.rope.size() != 3 * n || part.rope[n] != part.rope[0] || part.rope[2 * n] != part.rope[0]))
            throw Error(Status::invalid_argument, "draft: a word's three rotary positions are alike");
    }
    const InputPlaces at(s);
    std::vector<int32_t> values(size_t(at.end), 0);
    for (int64_t b = 0; b < s.B; ++b) {
        const Part& part = parts[size_t(b)];
        for (int64_t t = 0; t <= s.forced; ++t) values[size_t(at.tokens + t * s.B + b)] = part.tokens[size_t(t)];
        values[size_t(at.first + b)] = int32_t(b), values[size_t(at.len + b)] = 1;
        const int64_t shift = part.rope.empty() ? part.shift : part.rope[0] - part.pos;
        for (int64_t step = 0; step < s.steps; ++step) {
            const int64_t pos = part.pos + step;
            const bool ends = step >= steps[size_t(b)] || pos >= options_.pools.context;
            values[size_t(at.pos + step * at.stride + b)] = ends ? -1 : int32_t(pos);
            values[size_t(at.seq + step * at.stride + b)] = ends ? -1 : int32_t(part.row);
            values[size_t(at.rope + step * s.N + b)] = ends ? -1 : int32_t(pos + shift);
        }
    }
    const Shapes shapes{.exact = s, .prompt = {}};
    core::Plan& ready = plan(shapes);
    lane(false).inputs.buffer->write(0, values.data(), values.size() * 4);
    last_ = {};
    ready.run();
    last_ = shapes;
    const Scratch& scratch = lane(false).scratch;
    std::vector<int32_t> ids(size_t(s.B * s.steps));
    std::vector<float> shares(ids.size());
    scratch.tensor("draft_ids", Type::i32, {1, s.B * s.steps, 1, 1}).buffer->read(0, ids.data(), ids.size() * 4);
    scratch.tensor("top_shares", Type::f32, {1, s.B * s.steps, 1, 1})
        .buffer->read(0, shares.data(), shares.size() * 4);
    std::vector<std::vector<Candidate>> drafts(size_t(s.steps - s.forced), std::vector<Candidate>(size_t(s.B)));
    for (size_t i = 0, from = size_t(s.forced * s.B); from + i < ids.size(); ++i)
        drafts[i / size_t(s.B)][i % size_t(s.B)] = {ids[from + i], shares[from + i]};
    return drafts;
}

}  // namespace rw::model
