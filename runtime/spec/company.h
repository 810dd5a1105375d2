// The sequences of a round, as each one's controller sees the others. What all of them together do is kept in sums, so that a
// round of B sequences with drafts of up to n takes O(B n).
#pragma once

#include <vector>

#include "runtime/spec/controller.h"

namespace rw::spec {

/// What a sequence is expected to do.
struct Member {
    std::string who{};       // drafts; empty: nobody
    double tokens = 1, drafts = 0;
    int asked = 0;           // tokens that it may draft
    const Controller* controller = nullptr;  // that chose them as its best
};

class Company {
public:
    /// costs has to outlive it.
    Company(const RoundCosts& costs, std::vector<Member> members);
    /// The other members, as the one at `one` sees them; for as long as this company is there.
    Others others_of(size_t one) const;
    /// It changed its mind; who drafts for it stays.
    void change(size_t one, const Controller& controller, int asked, bool best);
    /// Its drafts are no longer expected but known.
    void know(size_t one, int drafted);
    /// Shortens drafts that are longer than what pays for all: drafting takes as long as its longest draft.
    void level();

    const Member& operator[](size_t i) const { return members_[i]; }
    int size() const { return int(members_.size()); }
    /// Expected of all.
    double drafts() const { return drafts_; }

private:
    /// Those that one drafter drafts for.
    struct Group {
        std::vector<size_t> members{};
        std::vector<int> asking = std::vector<int>(RoundCosts::kMost + 1);  // [n]: so many ask for n
        std::vector<double> seconds{};                                     // [n]: of the longest draft
        int longest() const;
    };
    int longest_of_others(size_t one) const;
    double seconds_elsewhere(size_t group) const;
    void level(const Group& group, double elsewhere);
    void ask(size_t one, int n);

    const RoundCosts& costs_;
    std::vector<Member> members_;
    std::vector<Group> groups_;
    std::vector<size_t> group_;  // of each member
    double tokens_ = 0, drafts_ = 0;
};

}  // namespace rw::spec
