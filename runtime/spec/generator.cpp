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
        if (drafter_) drafter_->end(g.id);
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
    that(r.n_max == 0 || drafter_, "drafts need a drafter (n_max = 0 generates without)");
    that(r.n_min >= 0 && (r.n_min <= r.n_max || r.n_max <= 0) && r.p_min >= 0 && r.p_min <= 1,
         "n_min is from 0 to n_max, p_min from 0 to 1");
    if (int64_t(r.prompt.size()) > o.pools.context)
        throw Error(Status::range, fmt::format("the prompt has {} tokens, the context {} positions", r.prompt.size(),
                                               o.pools.context));
}

Generation& Generator::add(Request request, const model::Progress& progress) {
    check(request);
    std::list<Generation> one;
    one.push_back({next_id(), std::move(request), sequence::SequenceState(context_), {}, Stop::none, {}, {}, {}});
    prefill(one.front(), progress);
    all_.splice(all_.end(), one);
    return begin(all_.back());
}

Generation& Generator::begin(Generation& g) {
    if (drafter_ && g.stopped == Stop::none) drafter_->begin(g.known());
    const int64_t most = std::min<int64_t>(context_.options().pools.most_exact - 1, RoundCosts::kMost);
    if (g.request.n_max == n_auto) g.controller.emplace(int(most));
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
    all_.push_back({next_id(), std::move(request), std::move(state), {last}, Stop::none, {}, {}, {}});
    Generation& g = all_.back();
    g.stopped = stop_at(g, 1, last, g.state.pos());
    return begin(g);
}

void Generator::prefill(Generation& g, const model::Progress& progress) {
    // Cut by the prompt alone, at multiples of the chunk and where messages begin, whatever else runs: the same prompt
    // gives the same bits, and two that begin with the same messages have the same states there.
    const double start = seconds_now();
    const std::span<const int32_t> prompt(g.request.prompt);
    const size_t chunk = size_t(context_.options().chunk);
    for (size_t at = 0, end = 0; at < prompt.size(); at = end) {
        const auto next = std::find(prompt.begin() + std::ptrdiff_t(at) + 1, prompt.end(), g.request.message_start);
        end = std::min((at / chunk + 1) * chunk, size_t(next - prompt.begin()));
        const auto part = prompt.subspan(at, end - at);
        model::Wanted wanted{.prefill = true, .mtp = needs_mtp()};
        if (end == prompt.size()) wanted.rows = {int32_t(part.size()) - 1};
        context_.run({g.state.part(part)}, wanted);
        g.state.advance(int64_t(part.size()), wanted.mtp);
        if (progress && !progress(end, prompt.size())) {
            g.stopped = Stop::cancelled;
            return;
        }
    }
    g.text.push_back(chosen(g, 0, g.state.pos()));
    g.stopped = stop_at(g, 1, g.text.back(), g.state.pos());
    g.counts.prefill_seconds = seconds_now() - start;
}

/// The token that the model itself chooses behind row `row` of the last call.
int32_t Generator::chosen(const Generation& g, size_t row, int64_t position) const {
    if (g.request.sampler.greedy()) return context_.candidates(row).front().token;
    return g.request.sampler.choose(context_.logits(row), position);
}

/// Whether a text of that many tokens is over with this one, which gets this position.
Stop Generator::stop_at(const Generation& g, size_t tokens, int32_t token, int64_t position) const {
    const auto& ends = g.request.ends;
    if (std::find(ends.begin(), ends.end(), token) != ends.end()) return Stop::end_token;
    if (int64_t(tokens) >= g.request.most_tokens) return Stop::length;
    return position >= context_.options().pools.context ? Stop::context_full : Stop::none;
}

std::vector<std::vector<int32_t>> Generator::drafts(const std::vector<Generation*>& going) {
    std::vector<std::vector<int32_t>> result(going.size());
    std::vector<DraftJob> jobs;
    std::vector<size_t> of;
    for (size_t i = 0; i < going.size(); ++i) {
        Generation& g = *going[i];
        g.last = {};
        // The round yields one token more than it drafts, and takes a position for each.
        const int64_t left = std::min(g.request.most_tokens - int64_t(g.text.size()), g.state.room()) - 1;
        const int wanted = g.controller ? g.controller->choose(costs_, int(going.size())) : g.request.n_max;
        const int n = int(std::clamp<int64_t>(left, 0, wanted));
        g.last.asked = n;
        if (n < std::max(g.request.n_min, 1)) continue;
        jobs.push_back({g.known(), n}), of.push_back(i);
    }
    if (jobs.empty()) return result;
    const double start = seconds_now();
    drafter_->draft(jobs);
    for (size_t j = 0; j < jobs.size(); ++j) {
        Generation& g = *going[of[j]];
        for (const model::Candidate& next : jobs[j].chain) {
            if (next.probability < g.request.p_min) break;
            g.last.draft.push_back(next);
        }
        if (int(g.last.draft.size()) < g.request.n_min) g.last.draft.clear();
        for (const model::Candidate& next : g.last.draft) result[of[j]].push_back(next.token);
        g.counts.draft_seconds += seconds_now() - start;
    }
    return result;
}

/// Who has to know how the round went.
void Generator::tell(Generation& g, int sequences, double seconds) {
    const int drafted = int(g.last.draft.size());
    costs_.add(sequences, g.last.asked, seconds);
    if (g.controller) g.controller->learn(costs_, sequences, g.last.asked, drafted, g.last.accepted);
    if (!drafter_) return;
    if (drafted > 0) drafter_->accept(g.known(), drafted, g.last.accepted);
    if (g.stopped == Stop::none) drafter_->observe(g.known());
    else drafter_->end(g.id);
}

bool Generator::round() {
    const double round_start = seconds_now();
    std::vector<Generation*> going;
    for (Generation& g : all_)
        if (g.stopped == Stop::none) going.push_back(&g);
    if (going.empty()) return false;
    const auto drafted = drafts(going);

    const double start = seconds_now();
    std::vector<std::vector<int32_t>> rows(going.size());
    std::vector<model::Part> parts;
    model::Wanted wanted{.mtp = needs_mtp()};
    for (size_t i = 0; i < going.size(); ++i) {
        rows[i] = {going[i]->text.back()};
        rows[i].insert(rows[i].end(), drafted[i].begin(), drafted[i].end());
        parts.push_back(going[i]->state.part(rows[i]));
        for (size_t t = 0; t < rows[i].size(); ++t) wanted.rows.push_back(int32_t(wanted.rows.size()));
    }
    context_.run(parts, wanted);

    struct Verdict {
        std::vector<int32_t> tokens;  // of which all but the last were drafted
        Stop stop = Stop::none;
    };
    std::vector<Verdict> verdicts(going.size());  // all of them before anything changes
    size_t row = 0;
    for (size_t i = 0; i < going.size(); ++i) {
        const Generation& g = *going[i];
        Verdict& v = verdicts[i];
        for (size_t n = 0;; ++n) {
            const int64_t position = g.state.pos() + int64_t(n) + 1;
            int32_t token = chosen(g, row + n, position);
            const bool drafted_here = n < drafted[i].size();
            if (drafted_here && g.request.accept_rate >= 0 && uniform(1, 0, position) < g.request.accept_rate)
                token = drafted[i][n];
            v.tokens.push_back(token);
            v.stop = stop_at(g, g.text.size() + n + 1, token, position);
            if (v.stop != Stop::none || !drafted_here || drafted[i][n] != token) break;
        }
        row += rows[i].size();
    }
    try {
        for (size_t i = 0; i < going.size(); ++i) {
            Generation& g = *going[i];
            const int64_t pos = g.state.pos() + int64_t(verdicts[i].tokens.size());
            g.state.advance(int64_t(rows[i].size()), wanted.mtp);
            g.last.recomputed = g.state.rollback(pos);
        }
    } catch (...) {
        for (Generation* g : going) g->stopped = Stop::failed;
        throw;
    }
    for (size_t i = 0; i < going.size(); ++i) {
        Generation& g = *going[i];
        const std::vector<int32_t>& tokens = verdicts[i].tokens;
        const size_t accepted = tokens.size() - 1, tried = std::min(tokens.size(), drafted[i].size());
        g.text.insert(g.text.end(), tokens.begin(), tokens.end());
        g.stopped = verdicts[i].stop;
        Counts& c = g.counts;
        c.recomputed += g.last.recomputed;
        c.tried.resize(std::max(c.tried.size(), drafted[i].size())), c.taken.resize(c.tried.size());
        for (size_t n = 0; n < tried; ++n) ++c.tried[n];
        for (size_t n = 0; n < accepted; ++n) ++c.taken[n];
        ++c.rounds;
        c.drafted += int64_t(drafted[i].size()), c.accepted += int64_t(accepted), c.emitted += int64_t(tokens.size());
        c.verify_seconds += seconds_now() - start;
        g.last.accepted = int(accepted);
    }
    const double seconds = seconds_now() - round_start;
    for (Generation* g : going) tell(*g, int(going.size()), seconds);
    return true;
}

void Generator::drop(const Generation& generation) {
    if (drafter_) drafter_->end(generation.id);
    all_.remove_if([&](const Generation& g) { return &g == &generation; });
}

}  // namespace rw::spec
