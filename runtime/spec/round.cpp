// A round of the generator: drafts (drafts.cpp), one call that verifies them all, verdicts, and going back.
#include <algorithm>
#include <exception>
#include <iterator>

#include "runtime/clock.h"
#include "runtime/sample/random.h"
#include "runtime/spec/generator.h"

namespace rw::spec {
namespace {

template <class T>
void make_room(std::vector<T>& list, size_t more) {
    if (list.capacity() - list.size() < more) list.reserve(2 * list.size() + more);
}

}  // namespace

/// What the sequence's sampler chooses behind row `row` of the last call.
sample::Choice Generator::chosen(const Request& r, const sample::Sampler& sampler, size_t row, int64_t position,
                                 std::optional<int32_t> draft) const {
    if (sampler.argmax_only())
        if (auto best = sampler.choose_best(context_.candidates(row).front().token)) return *best;
    const std::vector<float> logits = context_.logits(row);
    return sampler.choose(logits, position, r.ratio ? draft : std::nullopt);
}

/// Whether a text of that many tokens is over with this one, which gets this position.
Stop Generator::stop_at(const Generation& g, const sample::Stops& stops, size_t tokens, int32_t token,
                        int64_t position) const {
    const auto& ends = g.request.ends;
    if (std::find(ends.begin(), ends.end(), token) != ends.end()) return Stop::end_token;
    if (stops.found()) return Stop::stop_string;
    if (int64_t(tokens) >= g.request.most_tokens) return Stop::length;
    return position >= context_.options().pools.context ? Stop::context_full : Stop::none;
}

/// Of the last call the rows from `row` on are those of the last token and of the draft; position: of the first token that
/// is chosen. Only makes room in the sequence, so that taking the verdict cannot fail.
Generator::Verdict Generator::verdict(Generation& g, std::span<const int32_t> draft, size_t row, int64_t position) const {
    Verdict v{.tokens = {}, .logprobs = {}, .sampler = g.sampler, .stops = g.stops};
    for (size_t n = 0;; ++n) {
        const auto here = n < draft.size() ? std::optional(draft[n]) : std::nullopt;
        sample::Choice choice = chosen(g.request, v.sampler, row + n, position + int64_t(n), here);
        if (here && g.request.accept_rate >= 0 && sample::uniform(1, 0, position + int64_t(n)) < g.request.accept_rate)
            choice = {*here};
        v.sampler.accept(choice);
        v.stops.push(choice.token);
        v.tokens.push_back(choice.token);
        if (choice.logprobs) v.logprobs.push_back(std::move(*choice.logprobs));
        v.stop = stop_at(g, v.stops, g.text.size() + n + 1, choice.token, position + int64_t(n));
        if (v.stop != Stop::none || here != choice.token) break;
    }
    make_room(g.text, v.tokens.size()), make_room(g.logprobs, v.logprobs.size());
    return v;
}

void Generator::take(Generation& g, Verdict v) {
    g.text.insert(g.text.end(), v.tokens.begin(), v.tokens.end());
    std::move(v.logprobs.begin(), v.logprobs.end(), std::back_inserter(g.logprobs));
    g.sampler = std::move(v.sampler), g.stops = std::move(v.stops);
    g.stopped = v.stop;
}

Generator::RoundCall Generator::round_call(bool beside_prompt) {
    RoundCall next{{}, {}, seconds_now(), {}};
    for (Generation& g : all_)
        if (g.going()) next.going.push_back(&g);
    if (next.going.empty()) return next;
    next.tokens = drafts(next.going, beside_prompt);
    model::Wanted& wanted = next.call.wanted;
    for (size_t i = 0; i < next.going.size(); ++i) {
        const Generation& g = *next.going[i];
        next.tokens[i].insert(next.tokens[i].begin(), g.text.back());
        next.call.parts.push_back(g.state.part(next.tokens[i]));
        wanted.mtp = wanted.mtp || g.needs_mtp();
        for (size_t t = 0; t < next.tokens[i].size(); ++t) wanted.rows.push_back(int32_t(wanted.rows.size()));
    }
    return next;
}

bool Generator::round() {
    const RoundCall next = round_call(false);
    if (!next.going.empty()) run(nullptr, &next);
    return !next.going.empty();
}

/// Takes what a round's call has left: of each the tokens that the model chose, and its state back to behind them.
void Generator::finish(const RoundCall& done, double start, bool beside_prompt) {
    std::vector<Generation*> going = done.going;
    const auto draft_of = [&](size_t i) { return std::span(done.tokens[i]).subspan(1); };
    std::vector<std::optional<Verdict>> verdicts(going.size());  // all of them before anything changes
    std::exception_ptr problem;
    size_t row = 0;
    for (size_t i = 0; i < going.size(); ++i) {
        try {
            verdicts[i] = verdict(*going[i], draft_of(i), row, going[i]->state.pos() + 1);
        } catch (...) {  // about this sequence alone
            problem = std::current_exception();
        }
        row += done.tokens[i].size();
    }
    try {
        for (size_t i = 0; i < going.size(); ++i) {
            if (!verdicts[i]) continue;
            Generation& g = *going[i];
            const int64_t pos = g.state.pos() + int64_t(verdicts[i]->tokens.size());
            g.state.advance(int64_t(done.tokens[i].size()), done.call.wanted.mtp);
            const double back = seconds_now();
            g.last.recomputed = g.state.rollback(pos);
            g.counts.rollback_seconds += seconds_now() - back;
        }
    } catch (...) {
        for (Generation* g : going) fail(*g);
        throw;
    }
    for (size_t i = 0; i < going.size(); ++i) {
        Generation& g = *going[i];
        if (!verdicts[i]) {
            fail(g);
            continue;
        }
        const size_t drafted = draft_of(i).size(), emitted = verdicts[i]->tokens.size(), accepted = emitted - 1;
        const size_t tried = std::min(emitted, drafted);
        take(g, std::move(*verdicts[i]));
        Counts& c = g.counts;
        c.recomputed += g.last.recomputed;
        c.tried.resize(std::max(c.tried.size(), drafted)), c.taken.resize(c.tried.size());
        for (size_t n = 0; n < tried; ++n) ++c.tried[n];
        for (size_t n = 0; n < accepted; ++n) ++c.taken[n];
        ++c.rounds;
        c.drafted += int64_t(drafted), c.accepted += int64_t(accepted), c.emitted += int64_t(emitted);
        c.verify_seconds += seconds_now() - start;
        g.last.accepted = int(accepted);
    }
    std::erase_if(going, [](const Generation* g) { return g->stopped == Stop::failed; });
    tell(going, seconds_now() - done.start, beside_prompt);
    if (problem) std::rethrow_exception(problem);
}

}  // namespace rw::spec
