// A round's drafts: how many are asked for, who makes them, where they end; and who learns from what became of them.
#include <algorithm>

#include "runtime/clock.h"
#include "runtime/spec/company.h"
#include "runtime/spec/generator.h"

namespace rw::spec {
namespace {

Member expected(const Generation& g) {
    const bool drafts = g.drafter && (g.controller || g.request.n_max > 0);
    Member m{drafts ? g.drafter->name() : ""};
    const Counts& c = g.counts;
    if (g.controller) {
        m.asked = g.controller->best();
        m.tokens = g.controller->tokens(m.asked), m.drafts = g.controller->drafts(m.asked);
    } else if (drafts) {
        m.asked = g.request.n_max;
        m.tokens = c.rounds ? double(c.emitted) / double(c.rounds) : 1;
        m.drafts = c.rounds ? double(c.drafted) / double(c.rounds) : m.asked;
    }
    return m;
}

}  // namespace

std::vector<std::vector<int32_t>> Generator::drafts(const std::vector<Generation*>& going, bool beside_prompt) {
    const int sequences = int(going.size());
    std::vector<std::vector<int32_t>> result(going.size());
    struct Jobs {
        std::vector<DraftJob> jobs;
        std::vector<size_t> of;
    };
    std::vector<std::pair<Drafter*, Jobs>> asked;  // few: in order of appearance
    std::vector<Member> members;
    for (const Generation* g : going) members.push_back(expected(*g));
    Company company(costs_, std::move(members));
    spent_.clear();
    costs_.make_room(sequences);
    for (size_t i = 0; i < going.size(); ++i) {
        Generation& g = *going[i];
        g.last = {};
        if (!g.controller) continue;
        // Beside a prompt a plain round would not tell what one costs.
        const bool as_before = beside_prompt && costs_.plain_due(sequences);
        const int n = as_before ? g.controller->best() : g.controller->choose(costs_, company.others_of(i));
        company.change(i, *g.controller, n, n == g.controller->best());
    }
    company.level();
    for (size_t i = 0; i < going.size(); ++i) {
        Generation& g = *going[i];
        // The round yields one token more than it drafts, and takes a position for each.
        const int64_t left = std::min(g.request.most_tokens - int64_t(g.text.size()), g.state.room()) - 1;
        const int n = int(std::clamp<int64_t>(left, 0, company[i].asked));
        if (n < std::max(g.request.n_min, 1)) continue;  // a shorter one would be dropped
        g.last.asked = n;
        auto mine = std::find_if(asked.begin(), asked.end(), [&](const auto& a) { return a.first == g.drafter; });
        if (mine == asked.end()) mine = asked.insert(mine, {g.drafter, {}});
        mine->second.jobs.push_back({g.known(), n}), mine->second.of.push_back(i);
    }
    for (auto& [drafter, theirs] : asked) {
        Spent spent{drafter->name(), int(theirs.jobs.size()), 0, 0, false};
        costs_.make_room(spent.who, spent.sequences);
        const double start = seconds_now();
        drafter->draft(theirs.jobs);
        spent.seconds = seconds_now() - start;
        for (size_t j = 0; j < theirs.jobs.size(); ++j) {
            const size_t i = theirs.of[j];
            Generation& g = *going[i];
            g.last.reading = theirs.jobs[j].reading;
            spent.longest = std::max(spent.longest, theirs.jobs[j].most), spent.reading |= g.last.reading || theirs.jobs[j].read;
            cut(g, theirs.jobs[j].chain, sequences, company.drafts() - company[i].drafts);
            company.know(i, int(g.last.draft.size()));
            for (const model::Candidate& next : g.last.draft) result[i].push_back(next.token);
            g.counts.draft_seconds += spent.seconds;
        }
        spent_.push_back(std::move(spent));
    }
    return result;
}

/// What of the guess is verified.
void Generator::cut(Generation& g, const std::vector<model::Candidate>& chain, int sequences, double other_drafts) {
    size_t n = 0, whole = 0;  // a text gone on with may have had tokens that are none of the model's, and so may a guess
    while (whole < chain.size() && uint32_t(chain[whole].token) < context_.geometry().vocab) ++whole;
    if (g.request.p_min == p_auto) {
        std::vector<float> probabilities;
        for (size_t i = 0; i < whole; ++i) probabilities.push_back(chain[i].probability);
        n = size_t(g.threshold.keep(probabilities, [&](int m) { return costs_.rest(sequences, other_drafts + m); },
                                    costs_.rate(sequences), sequences, g.request.n_min));
    } else {
        while (n < whole && chain[n].probability >= g.request.p_min) ++n;
    }
    if (g.request.constraint && n > 0) {  // what may not come would not stand
        std::vector<int32_t> tokens;
        for (size_t i = 0; i < n; ++i) tokens.push_back(chain[i].token);
        try {
            n = g.sampler.possible(tokens);
        } catch (const std::exception&) {  // it looks ahead: what is chosen may not get there, or says what is wrong
        }
    }
    if (int(n) >= g.request.n_min) g.last.draft.assign(chain.begin(), chain.begin() + std::ptrdiff_t(n));
}

/// Who has to know how the round went. The time of one beside a prompt is mostly the prompt's, and teaches no costs. It is
/// committed: nothing here throws, and there is room for what is learnt.
void Generator::tell(const std::vector<Generation*>& going, double seconds, bool beside_prompt) {
    const int sequences = int(going.size());
    int drafts = 0;
    int64_t tokens = 0;
    double drafting = 0;
    for (const Spent& s : spent_) {
        drafting += s.seconds;
        if (!s.reading) costs_.add_drafting(s.who, s.sequences, s.longest, s.seconds);
    }
    for (const Generation* g : going) drafts += int(g->last.draft.size()), tokens += g->last.accepted + 1;
    if (!beside_prompt) {
        costs_.add_rest(sequences, drafts, seconds - drafting);
        costs_.add_yield(sequences, tokens, seconds);
    }
    for (Generation* each : going) {
        Generation& g = *each;
        const int drafted = int(g.last.draft.size()), accepted = g.last.accepted;
        if (g.controller && !g.last.reading) g.controller->learn(g.last.asked, drafted, accepted);
        for (int k = 0; g.request.p_min == p_auto && k < std::min(accepted + 1, drafted); ++k)
            g.threshold.learn(g.last.draft[size_t(k)].probability, k < accepted);
        if (!g.drafter) continue;
        try {
            if (drafted > 0) g.drafter->accept(g.known(), drafted, accepted);
            if (g.stopped == Stop::none) g.drafter->observe(g.known());
            else end_drafting(g);
        } catch (...) {  // it has no memory for what it should know: this text goes on without drafts, and is the same
            end_drafting(g);
            g.drafter = nullptr, g.controller.reset();
        }
    }
}

}  // namespace rw::spec
