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
    Graph graph(scratch_, nullptr, false);
    int64_t most_inputs = 0;
    for (const Shape& shape : largest_shapes(options_, has_mtp())) {
        forward().build(graph, shape);
        most_inputs = std::max(most_inputs, InputPlaces(shape).end);
    }
    scratch_.allocate(memory);
    inputs_ = memory.make("scratch", Type::i32, {most_inputs, 1, 1, 1});
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
    plans_ = PlanCache<Shape, core::Plan>(would.at("plans") - Checkpoints::plan_bytes(*device_, pools_));
    taken_.assign(size_t(p.sequences), false), ran_rope_.resize(size_t(p.sequences));
    checkpoints_.begin(device_, pools_);
}

Context::Context(const Model& model, std::shared_ptr<core::Device> device, const Options& options)
    : model_(std::shared_ptr<void>(), &model), device_(std::move(device)), options_(options),
      memory_(device_, Memory::Mode::measure) {
    prepare(memory_, {});
}

void Context::measure_plans() {
    const Demand demand = demand_of(*device_, forward(), scratch_, options_);
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

core::Plan& Context::plan(const Shape& shape) {
    if (core::Plan* known = plans_.find(shape)) return *known;
    auto plan = std::make_unique<core::Plan>(device_, kernel_scratch_);
    Graph graph(scratch_, [&](const ops::Call& call) { plan->add(call); }, shape.prefill);
    forward().build(graph, shape);
    const uint64_t bytes = plan->bytes();
    return plans_.put(shape, std::move(plan), bytes);
}

/// What is asked of a part in any call.
void Context::check(const std::vector<Part>& parts) const {
    const auto that = []<class... Args>(bool ok, fmt::format_string<Args...> text, Args&&... args) {
        if (!ok) throw Error(Status::invalid_argument, fmt::format(text, std::forward<Args>(args)...));
    };
    const int64_t width = geometry().width;
    std::vector<bool> seen(size_t(options_.pools.sequences), false);
    for (const Part& part : parts) {
        that(part.row >= 0 && part.row < int64_t(seen.size()) && !seen[size_t(part.row)],
             "pool row {}: each part has its own of {}", part.row, seen.size());
        seen[size_t(part.row)] = true;
        if (part.slot < 0 || part.slot >= options_.pools.slots())
            throw Error(Status::range, fmt::format("state slot {} of {}", part.slot, options_.pools.slots()));
        that(part.tokens.empty() || part.embeddings.empty(), "a part has tokens or embeddings, not both");
        that(int64_t(part.embeddings.size()) % width == 0, "{} numbers of embeddings: rows of {} are expected",
             part.embeddings.size(), width);
        for (const float x : part.embeddings) that(std::isfinite(x), "embeddings: {} is not a finite number", x);
        const int64_t n = tokens_of(part, width);
        that(part.rope.empty() || int64_t(part.rope.size()) == 3 * n,
             "{} rotary positions of {} tokens: three of each are expected", part.rope.size(), n);
        for (const int32_t at : part.rope)
            if (at < 0) throw Error(Status::range, fmt::format("rotary position {}: 0 is the first", at));
        if (part.pos < 0 || part.pos > options_.pools.context - n)
            throw Error(Status::range,
                        fmt::format("positions {} to {} do not fit a context of {}; shorten the text or make the context "
                                    "longer",
                                    part.pos, part.pos + n, options_.pools.context));
        if (part.shift < -part.pos || part.shift > INT32_MAX - part.pos - n)
            throw Error(Status::range, fmt::format("rotary positions that differ by {} from {}: 0 to {} are expected",
                                                   part.shift, part.pos, INT32_MAX - 1));
        for (const int32_t token : part.tokens)
            if (token < 0 || token >= int64_t(geometry().vocab))
                throw Error(Status::range,
                            fmt::format("token {} is not one of the vocabulary's {}", token, geometry().vocab));
    }
}

void Context::check(const std::vector<Part>& parts, const Wanted& wanted, int64_t N, int64_t longest) const {
    const PoolShape& p = options_.pools;
    const auto that = []<class... Args>(bool ok, fmt::format_string<Args...> text, Args&&... args) {
        if (!ok) throw Error(Status::invalid_argument, fmt::format(text, std::forward<Args>(args)...));
    };
    that(!parts.empty() && N > 0, "run: there are no tokens");
    that(int64_t(parts.size()) <= p.sequences, "run: {} sequences in a call, the context was made for {}", parts.size(),
         p.sequences);
    if (wanted.prefill) {
        that(parts.size() == 1, "run: a prefill call takes one sequence, so that its rows never depend on others");
        that(N <= options_.chunk, "run: {} tokens in a prefill call, the context was made for {}", N, options_.chunk);
    } else {
        that(longest <= p.most_exact, "run: {} tokens of a sequence in an exact call, the context was made for {}",
             longest, p.most_exact);
    }
    that(!(wanted.mtp || wanted.mtp_logits) || has_mtp(),
         "run: the model has no MTP block, or the context was made without it");
    check(parts);
    for (const Part& part : parts)
        that(part.embeddings.empty() == parts.front().embeddings.empty() &&
                 part.rope.empty() == parts.front().rope.empty(),
             "run: tokens and embeddings, and given and plain rotary positions, are not mixed in one call");
    for (const int32_t row : wanted.rows) that(row >= 0 && row < N, "run: logits of row {} of {} are wanted", row, N);
    const int64_t most = wanted.prefill ? std::max<int64_t>(options_.logit_rows, 1) : N;
    that(int64_t(wanted.rows.size()) <= most, "run: {} rows of logits, the context was made for {}", wanted.rows.size(),
         most);
}

void Context::run(const std::vector<Part>& parts, const Wanted& wanted) {
    Shape s;
    s.N = 0, s.longest = 0;
    const int64_t width = geometry().width;
    for (const Part& part : parts) {
        const int64_t n = tokens_of(part, width);
        s.N += n, s.longest = std::max(s.longest, n);
    }
    check(parts, wanted, s.N, s.longest);
    s.B = int64_t(parts.size()), s.logits = int64_t(wanted.rows.size()), s.prefill = wanted.prefill;
    s.all_rows = s.prefill && s.logits == s.N;
    for (size_t i = 0; s.all_rows && i < wanted.rows.size(); ++i) s.all_rows = wanted.rows[i] == int32_t(i);
    s.planes = parts.front().rope.empty() || !geometry().family->sections ? 1 : 3,
    s.embeddings = !parts.front().embeddings.empty();
    s.mtp = wanted.mtp, s.mtp_logits = wanted.mtp_logits;

    const InputPlaces at(s);
    std::vector<int32_t> values(size_t(at.end), 0);
    const auto put = [&](int64_t at_element, int64_t value) { values[size_t(at_element)] = int32_t(value); };
    int64_t row = 0;
    for (int64_t b = 0; b < s.B; ++b) {
        const Part& part = parts[size_t(b)];
        const int64_t n = tokens_of(part, width);
        put(at.pos + b, part.pos), put(at.seq + b, part.row), put(at.first + b, row), put(at.len + b, n),
            put(at.slot + b, s.prefill ? 0 : part.slot);  // prompts see the last slot alone
        for (int64_t t = 0; t < n; ++t, ++row) {
            if (!s.embeddings) put(at.tokens + row, part.tokens[size_t(t)]);
            for (int64_t plane = 0; plane < s.planes; ++plane)
                put(at.rope + plane * s.N + row,
                    part.rope.empty() ? part.pos + part.shift + t : part.rope[size_t(plane * n + t)]);
        }
    }
    std::copy(wanted.rows.begin(), wanted.rows.end(), values.begin() + at.logits);

    core::Plan& ready = plan(s);
    inputs_.buffer->write(0, values.data(), values.size() * 4);
    if (s.embeddings) {
        const Tensor embedding = scratch_.tensor("embedding", Type::f32, {geometry().width, s.N, 1, 1});
        uint64_t to = 0;
        for (const Part& part : parts) {
            embedding.buffer->write(to, part.embeddings.data(), part.embeddings.size_bytes());
            to += part.embeddings.size_bytes();
        }
    }
    last_ = {};
    for (const Part& part : parts) {
        std::vector<int32_t>& greatest = ran_rope_[size_t(part.row)];
        greatest.assign(part.rope.begin(), part.rope.begin() + std::ptrdiff_t(part.rope.size() / 3));
        for (size_t i = greatest.size(); i < part.rope.size(); ++i)
            greatest[i % greatest.size()] = std::max(greatest[i % greatest.size()], part.rope[i]);
    }
    for (const Part& part : parts)  // what is in the last slot of a sequence that is elsewhere was rolled back
        if (s.prefill && part.pos > 0 && options_.pools.form == StateForm::snapshots)
            pools_.make_last(part.row, part.slot);
    checkpoints_.keep(parts, wanted.prefill);
    ready.run();
    last_ = s;
}

std::vector<float> Context::logits(size_t i) const {
    if (int64_t(i) >= last_.logits)
        throw Error(Status::invalid_argument, "logits: the last call was not asked for that row");
    std::vector<float> row(geometry().vocab);
    const Tensor all = scratch_.tensor("logits", Type::f32, {geometry().vocab, last_.logits, 1, 1});
    all.buffer->read(i * row.size() * sizeof(float), row.data(), row.size() * sizeof(float));
    return row;
}

std::vector<float> Context::hidden(size_t i) const {
    if (int64_t(i) >= last_.logits)
        throw Error(Status::invalid_argument, "hidden: the last call was not asked for the logits of that row");
    std::vector<float> row(geometry().width);
    const Tensor all = scratch_.tensor(last_.all_rows ? "hidden" : "chosen", Type::f32, {geometry().width, last_.logits, 1, 1});
    all.buffer->read(i * row.size() * sizeof(float), row.data(), row.size() * sizeof(float));
    return row;
}

std::vector<Candidate> Context::candidates(size_t i) const {
    if (int64_t(i) >= last_.logits)
        throw Error(Status::invalid_argument, "candidates: the last call was not asked for that row");
    const size_t k = size_t(options_.top);
    std::vector<int32_t> ids(k);
    std::vector<float> shares(k);
    const Extent ne{options_.top, last_.logits, 1, 1};
    scratch_.tensor("top_ids", Type::i32, ne).buffer->read(i * k * 4, ids.data(), k * 4);
    scratch_.tensor("top_shares", Type::f32, ne).buffer->read(i * k * 4, shares.data(), k * 4);
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
    check(parts);
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
    core::Plan& ready = plan(s);
    inputs_.buffer->write(0, values.data(), values.size() * 4);
    last_ = {};
    ready.run();
    std::vector<int32_t> ids(size_t(s.B * s.steps));
    std::vector<float> shares(ids.size());
    scratch_.tensor("draft_ids", Type::i32, {1, s.B * s.steps, 1, 1}).buffer->read(0, ids.data(), ids.size() * 4);
    scratch_.tensor("top_shares", Type::f32, {1, s.B * s.steps, 1, 1})
        .buffer->read(0, shares.data(), shares.size() * 4);
    std::vector<std::vector<Candidate>> drafts(size_t(s.steps - s.forced), std::vector<Candidate>(size_t(s.B)));
    for (size_t i = 0, from = size_t(s.forced * s.B); from + i < ids.size(); ++i)
        drafts[i / size_t(s.B)][i % size_t(s.B)] = {ids[from + i], shares[from + i]};
    last_ = s;
    return drafts;
}

}  // namespace rw::model
