#include "runtime/spec/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "runtime/clock.h"

namespace rw::spec {
namespace {

uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

}  // namespace

Generator::~Generator() {
    for (const Generation& g : all_)
        if (g.drafter) g.drafter->end(g.id);
}

const char* name_of(Stop stop) {
    constexpr const char* names[] = {"none", "end_token", "length", "context_full", "cancelled", "failed"};
    return names[int(stop)];
}

void Generator::check(const Request& r) const {
    const model::Options& o = context_.options();
    r.sampler.check();
    const auto that = [](bool ok, std::string text) {
        if (!ok) throw Error(Status::invalid_argument, std::move(text));
    };
    that(!r.prompt.empty(), "the prompt has no tokens");
    that(r.most_tokens >= 1, "the number of tokens to generate is at least 1");
    that(r.n_max == n_auto || (r.n_max >= 0 && r.n_max < o.pools.most_exact),
         fmt::format("n_max {}: the context was made for drafts of up to {} tokens", r.n_max, o.pools.most_exact - 1));
    that(r.n_max == 0 || r.drafter || drafter_, "drafts need a drafter (n_max = 0 generates without)");
    that(r.n_min >= 0 && (r.n_min <= r.n_max || r.n_max <= 0) && (r.p_min == p_auto || (r.p_min >= 0 && r.p_min <= 1)),
         "n_min is from 0 to n_max, p_min from 0 to 1, or p_auto");
    if (int64_t(r.prompt.size()) > o.pools.context)
        throw Error(Status::range, fmt::format("the prompt has {} tokens, the context {} positions", r.prompt.size(),
                                               o.pools.context));
}

Generation Generator::fresh(Request request, sequence::SequenceState state) const {
    Drafter* const drafter = request.drafter ? request.drafter : drafter_;
    return {next_id(), std::move(request), drafter, std::move(state), {}, Stop::none, {}, {}, {}, {}};
}

Generation& Generator::add(Request request, const model::Progress& progress) {
    check(request);
    std::list<Generation> one;
    one.push_back(fresh(std::move(request), sequence::SequenceState(context_)));
    Generation& g = one.front();
    while (g.prompting()) {
        prompt_call(g);
        if (progress && !progress(uint64_t(g.state.pos()), g.request.prompt.size())) cancel(g);
    }
    all_.splice(all_.end(), one);
    return begin(g);
}

Generation& Generator::submit(Request request) {
    check(request);
    all_.push_back(fresh(std::move(request), sequence::SequenceState(context_)));
    return all_.back();
}

Generation& Generator::begin(Generation& g) {
    if (g.drafter && g.stopped == Stop::none) g.drafter->begin(g.known());
    const int64_t most = std::min<int64_t>(context_.options().pools.most_exact - 1, RoundCosts::kMost);
    if (g.request.n_max == n_auto) g.controller.emplace(int(most), g.drafter->name());
    return g;
}

Generation& Generator::resume(sequence::SequenceState state, int32_t last, Request request) {
    std::vector<int32_t> before = std::exchange(request.prompt, {last});
    check(request);
    request.prompt = std::move(before);
    if (&state.context() != &context_)
        throw Error(Status::invalid_argument, "resume: the state is one of another context");
    if (last < 0 || last >= int64_t(context_.geometry().vocab))
        throw Error(Status::range,
                    fmt::format("resume: token {} is not one of the vocabulary's {}", last, context_.geometry().vocab));
    all_.push_back(fresh(std::move(request), std::move(state)));
    Generation& g = all_.back();
    g.text = {last};
    g.stopped = stop_at(g, 1, last, g.state.pos());
    return begin(g);
}

/// The next call of a prompt; behind its last the first token is chosen.
void Generator::prompt_call(Generation& g) {
    // Cut by the prompt alone, at multiples of the chunk and where messages begin, whatever else runs: the same prompt
    // gives the same bits, and two that begin with the same messages have the same states there.
    const double start = seconds_now();
    const std::span<const int32_t> prompt(g.request.prompt);
    const size_t chunk = size_t(context_.options().chunk), at = size_t(g.state.pos());
    const auto next = std::find(prompt.begin() + std::ptrdiff_t(at) + 1, prompt.end(), g.request.message_start);
    const size_t end = std::min((at / chunk + 1) * chunk, size_t(next - prompt.begin()));
    const auto part = prompt.subspan(at, end - at);
    model::Wanted wanted{.prefill = true, .mtp = g.needs_mtp()};
    if (end == prompt.size()) wanted.rows = {int32_t(part.size()) - 1};
    context_.run({g.state.part(part)}, wanted);
    g.state.advance(int64_t(part.size()), wanted.mtp);
    if (end == prompt.size()) {
        g.text.push_back(chosen(g, 0, g.state.pos()));
        g.stopped = stop_at(g, 1, g.text.back(), g.state.pos());
    }
    g.counts.prefill_seconds += seconds_now() - start;
}

/// Of the prompts that wait, the one after the last that had its turn.
Generation* Generator::next_prompt() {
    Generation* first = nullptr;
    for (Generation& g : all_) {
        if (!g.prompting()) continue;
        if (g.id > turn_) return &g;
        if (!first) first = &g;
    }
    return first;
}

bool Generator::step() {
    Generation* const g = next_prompt();
    if (g) {
        turn_ = g->id;
        try {
            prompt_call(*g);
        } catch (...) {
            cancel(*g);
            g->stopped = Stop::failed;
            throw;
        }
        if (!g->text.empty()) begin(*g);
    }
    return round() || g;
}

void Generator::cancel(Generation& g) {
    if (g.stopped != Stop::none) return;
    g.stopped = Stop::cancelled;
    if (g.drafter) g.drafter->end(g.id);
}

void Generator::drop(const Generation& generation) {
    if (generation.drafter) generation.drafter->end(generation.id);
    all_.remove_if([&](const Generation& g) { return &g == &generation; });
}

}  // namespace rw::spec
