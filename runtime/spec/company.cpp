#include "runtime/spec/company.h"

#include <algorithm>

namespace rw::spec {

Company::Company(const RoundCosts& costs, std::vector<Member> members)
    : costs_(costs), members_(std::move(members)), group_(members_.size()) {
    for (size_t i = 0; i < members_.size(); ++i) {
        const Member& m = members_[i];
        tokens_ += m.tokens, drafts_ += m.drafts;
        const auto same = [&](const Group& g) { return members_[g.members.front()].who == m.who; };
        group_[i] = size_t(std::find_if(groups_.begin(), groups_.end(), same) - groups_.begin());
        if (group_[i] == groups_.size()) groups_.emplace_back();
        Group& g = groups_[group_[i]];
        g.members.push_back(i), ++g.asking[size_t(m.asked)];
    }
    for (Group& g : groups_)
        for (int n = 0; n <= RoundCosts::kMost; ++n)
            g.seconds.push_back(costs_.drafting(members_[g.members.front()].who, int(g.members.size()), n, size()));
}

int Company::Group::longest() const {
    int n = RoundCosts::kMost;
    while (n > 0 && asking[size_t(n)] == 0) --n;
    return n;
}

int Company::longest_of_others(size_t one) const {
    const Group& g = groups_[group_[one]];
    int n = RoundCosts::kMost;
    while (n > 0 && g.asking[size_t(n)] == (n == members_[one].asked)) --n;
    return n;
}

/// What drafters other than this group's take.
double Company::seconds_elsewhere(size_t group) const {
    double sum = 0;
    for (size_t g = 0; g < groups_.size(); ++g)
        if (g != group) sum += groups_[g].seconds[size_t(groups_[g].longest())];
    return sum;
}

Others Company::others_of(size_t one) const {
    const Member& m = members_[one];
    const Group& g = groups_[group_[one]];
    return {.sequences = size() - 1, .tokens = tokens_ - m.tokens, .drafts = std::max(0.0, drafts_ - m.drafts),
            .sharing = int(g.members.size()) - 1, .longest = longest_of_others(one),
            .seconds = seconds_elsewhere(group_[one]), .drafting = g.seconds};
}

void Company::ask(size_t one, int n) {
    std::vector<int>& asking = groups_[group_[one]].asking;
    --asking[size_t(members_[one].asked)], ++asking[size_t(n)];
    members_[one].asked = n;
}

void Company::change(size_t one, const Controller& controller, int asked, bool best) {
    Member& m = members_[one];
    ask(one, asked);
    tokens_ += controller.tokens(asked) - m.tokens, drafts_ += controller.drafts(asked) - m.drafts;
    m.tokens = controller.tokens(asked), m.drafts = controller.drafts(asked);
    m.controller = best ? &controller : nullptr;  // what is only tried stays
}

void Company::know(size_t one, int drafted) {
    drafts_ += drafted - members_[one].drafts;
    members_[one].drafts = drafted;
}

void Company::level() {
    for (size_t g = 0; g < groups_.size(); ++g) level(groups_[g], seconds_elsewhere(g));
}

void Company::level(const Group& group, double elsewhere) {
    double tokens = tokens_, drafts = drafts_;
    std::vector<size_t> free;
    int fixed = 0, longest = 0;
    for (const size_t i : group.members) {
        const Member& m = members_[i];
        if (!m.controller) {
            fixed = std::max(fixed, m.asked);
            continue;
        }
        free.push_back(i), longest = std::max(longest, m.asked);
        tokens -= m.tokens, drafts -= m.drafts;
    }
    if (free.size() < 2) return;
    const auto worth = [&](int most) {
        double t = tokens, d = drafts;
        for (const size_t i : free) {
            const Controller& c = *members_[i].controller;
            const int n = c.allowed(std::min(members_[i].asked, most));
            t += c.tokens(n), d += c.drafts(n);
        }
        return t / (elsewhere + group.seconds[size_t(std::max(most, fixed))] + costs_.rest(size(), d));
    };
    int best = longest;
    double most_worth = 0;
    for (int n = longest; n >= 0; --n)
        if (const double w = worth(n); w > most_worth) most_worth = w, best = n;
    for (const size_t i : free) {
        const Controller& c = *members_[i].controller;
        if (members_[i].asked > best) change(i, c, c.allowed(best), true);
    }
}

}  // namespace rw::spec
