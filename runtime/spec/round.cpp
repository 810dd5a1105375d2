// A round of the generator: drafts (drafts.cpp), one call that verifies them all, verdicts, and going back.
#include <algorithm>

#include "runtime/clock.h"
#include "runtime/spec/generator.h"

namespace rw::spec {

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

bool Generator::round() {
    const double round_start = seconds_now();
    std::vector<Generation*> going;
    for (Generation& g : all_)
        if (g.stopped == Stop::none && !g.prompting()) going.push_back(&g);
    if (going.empty()) return false;
    const auto drafted = drafts(going);

    const double start = seconds_now();
    std::vector<std::vector<int32_t>> rows(going.size());
    std::vector<model::Part> parts;
    model::Wanted wanted;
    for (const Generation* g : going) wanted.mtp = wanted.mtp || g->needs_mtp();
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
    tell(going, seconds_now() - round_start);
    return true;
}

}  // namespace rw::spec
