// How many tokens to draft: n_max = auto.
//
// A round that may draft n tokens for a sequence yields 1 + sum over k <= n of a_1 ... a_k tokens of it, a_k the share of
// rounds in which a k-th token stood when the ones before it did. It takes as long as round_costs.h has learnt, what the
// other sequences of the round do added. The n with which the whole round gives the most tokens a second is taken, 0 among
// them: where many are busy, a sequence's drafts have to pay for everybody's time. Of what drafting takes, which is what the
// longest draft takes, each pays its part, so that what pays for all together is done. Shares are learnt for each sequence,
// over its last few hundred tries or, where the last dozen went otherwise, over these; so is how many of the tokens that may
// be drafted there are, since some drafters guess few.
//
// What is not tried cannot be learnt, so now and then a round drafts more than is best, or less. A sequence may lose a small
// part of its time to that: it saves it up, and tries when it has what the try is expected to lose, or when the last one went
// better than was believed. So what is nearly as good is tried often and what is far worse seldom. A place of a draft that was
// tried a few times only is taken to be much like the one before it. Nothing is random: the same history gives the same choices.
#pragma once

#include <span>

#include "runtime/spec/round_costs.h"
#include "runtime/spec/savings.h"
#include "runtime/spec/share.h"

namespace rw::spec {

/// The other sequences of a round.
struct Others {
    int sequences = 0;
    double tokens = 0;   // that they are expected to yield
    double drafts = 0;   // that are expected for them
    int sharing = 0;     // of them, those that the same drafter drafts for
    int longest = 0;     // draft that is asked of it for them
    double seconds = 0;  // that other drafters take
    std::span<const double> drafting{};  // [n]: seconds that a longest draft of n takes this one's drafter
};

class Controller {
public:
    /// most: tokens of a draft at most; least: shorter ones are not made, or none at all (n_min). Throws
    /// Error(invalid_argument) unless 0 <= least <= most <= RoundCosts::kMost.
    explicit Controller(int most, int least = 0);
    /// How many tokens the next round should draft.
    int choose(const RoundCosts& costs, const Others& others);
    /// What became of it: the drafter came up with `drafted` tokens, of which the first `accepted` stood.
    void learn(int chosen, int drafted, int accepted);
    /// The choice without what is only tried.
    int best() const { return best_; }
    /// The longest draft of up to n that it may choose.
    int allowed(int n) const { return n < least_ ? 0 : n; }
    /// Expected tokens of a round that may draft n, and how many of the n are there to verify.
    double tokens(int n) const { return tokens_[size_t(n)]; }
    double drafts(int n) const { return drafts_[size_t(n)]; }
    /// Rounds that were decoded plainly because nothing else paid, and how often that began.
    int64_t parked_rounds() const { return parked_rounds_; }
    int64_t times_parked() const { return times_parked_; }

private:
    // Ends of what batches of rows are cut into, n + 1 = 8, 16, 32, among them.
    static constexpr int kSteps[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 23, 31, 39, 47, 55, 64};
    struct Place {
        Share stood, offered;
    };
    int above(int n) const;
    int below(int n) const;
    void expect();
    double hoped(int n) const;

    int most_, least_, best_ = 0, longest_ = 0;  // that was drafted so far
    Savings savings_;
    int tries_ = 0;
    bool again_ = false;   // the last try went better than was believed
    bool tried_ = false;   // in this round, which takes so much longer than the best
    double longer_ = 1, others_tokens_ = 0;
    int64_t parked_rounds_ = 0, times_parked_ = 0;
    std::array<Place, RoundCosts::kMost + 1> places_{};  // [k], from 1
    std::array<double, RoundCosts::kMost + 1> tokens_{}, drafts_{};
};

}  // namespace rw::spec
