#include "runtime/spec/company.h"

#include <algorithm>

namespace rw::spec {

Others others_of(std::span<const Member> members, size_t one, const RoundCosts& costs) {
    struct Asked {
        const std::string* who;
        int sequences, longest;
    };
    std::vector<Asked> elsewhere;
    Others o;
    for (size_t i = 0; i < members.size(); ++i) {
        if (i == one) continue;
        const Member& m = members[i];
        ++o.sequences, o.tokens += m.tokens, o.drafts += m.drafts;
        if (m.who == members[one].who) {
            ++o.sharing, o.longest = std::max(o.longest, m.asked);
            continue;
        }
        if (m.asked == 0) continue;
        auto a = std::find_if(elsewhere.begin(), elsewhere.end(), [&](const Asked& e) { return *e.who == m.who; });
        if (a == elsewhere.end()) a = elsewhere.insert(a, {&m.who, 0, 0});
        ++a->sequences, a->longest = std::max(a->longest, m.asked);
    }
    for (const Asked& a : elsewhere) o.seconds += costs.drafting(*a.who, a.sequences, a.longest, int(members.size()));
    return o;
}

void level(std::span<Member> members, const RoundCosts& costs) {
    const int sequences = int(members.size());
    std::vector<bool> done(members.size());
    for (size_t i = 0; i < members.size(); ++i) {
        if (done[i] || !members[i].controller) continue;
        double seconds = others_of(members, i, costs).seconds, tokens = 0, drafts = 0;
        int fixed = 0, sharing = 0;
        std::vector<Member*> group;
        for (size_t j = 0; j < members.size(); ++j) {
            Member& m = members[j];
            const bool shares = m.who == members[i].who;
            sharing += shares;
            if (shares && m.controller) {
                group.push_back(&m), done[j] = true;
                continue;
            }
            tokens += m.tokens, drafts += m.drafts;
            if (shares) fixed = std::max(fixed, m.asked);
        }
        const auto worth = [&](int most) {
            double t = tokens, d = drafts;
            for (const Member* m : group) {
                const int n = std::min(m->asked, most);
                t += m->controller->tokens(n), d += m->controller->drafts(n);
            }
            return t / (seconds + costs.drafting(members[i].who, sharing, std::max(most, fixed), sequences) + costs.rest(sequences, d));
        };
        int longest = 0;
        for (const Member* m : group) longest = std::max(longest, m->asked);
        int best = longest;
        double most_worth = 0;
        for (int n = longest; n >= 0 && group.size() > 1; --n)
            if (const double w = worth(n); w > most_worth) most_worth = w, best = n;
        for (Member* m : group) m->asked = std::min(m->asked, best);
    }
}

}  // namespace rw::spec
