// How many tokens to draft: n_max = auto.
//
// A round that may draft n tokens for a sequence yields 1 + sum over k <= n of a_1 ... a_k tokens of it, a_k the share of
// rounds in which a k-th token stood when the ones before it did. It takes as long as round_costs.h has learnt, what the
// other sequences of the round do added. The n with which the whole round gives the most tokens a second is taken, 0 among
// them: where many are busy, a sequence's drafts have to pay for everybody's time. Of what drafting takes, which is what the
// longest draft takes, each pays its part, so that what pays for all together is done. Shares are learnt for each sequence,
// over its last two hundred tries or, where the last dozen went otherwise, over these; so is how many of the tokens that may
// be drafted there are, since some drafters guess few.
//
// What is not tried cannot be learnt, so now and then a round drafts more than is best: the dearer that is, the more
// seldom, so that it costs about a hundredth at most, and in a row while it pays. A place of a draft that was tried a few
// times only is taken to be much like the one before it. Nothing is random: the same history gives the same choices.
#pragma once

#include "runtime/spec/round_costs.h"

namespace rw::spec {

/// The other sequences of a round.
struct Others {
    int sequences = 0;
    double tokens = 0;   // that they are expected to yield
    double drafts = 0;   // that are expected for them
    int sharing = 0;     // of them, those that the same drafter drafts for
    int longest = 0;     // draft that is asked of it for them
    double seconds = 0;  // that other drafters take
};

class Controller {
public:
    /// most: tokens of a draft at most; who: drafts. Throws Error(invalid_argument) beyond 0 .. RoundCosts::kMost.
    explicit Controller(int most, std::string who = "");
    /// How many tokens the next round should draft.
    int choose(const RoundCosts& costs, const Others& others = {});
    /// What became of it: the drafter came up with `drafted` tokens, of which the first `accepted` stood.
    void learn(int chosen, int drafted, int accepted);
    /// The choice without what is only tried.
    int best() const { return best_; }
    /// Expected tokens of a round that may draft n, and how many of the n are there to verify.
    double tokens(int n) const;
    double drafts(int n) const;
    /// Seconds of a round in which this sequence may draft n, with its part of what drafting takes; alone: if only this one
    /// changes its mind.
    double seconds(const RoundCosts& costs, const Others& others, int n, bool alone = false) const;
    /// Rounds that were decoded plainly because nothing else paid, and how often that began.
    int64_t parked_rounds() const { return parked_rounds_; }
    int64_t times_parked() const { return times_parked_; }

private:
    // Ends of what batches of rows are cut into, n + 1 = 8, 16, 32, among them.
    static constexpr int kSteps[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 23, 31, 39, 47, 55, 64};
    struct Share {
        static constexpr int most = 200;  // tries that count
        double share = 0, recent = 0;
        int tries = 0;
        void add(bool yes);
        /// With so many tries' weight of what else is expected.
        double with(double expected) const;
    };
    struct Place {
        Share stood, offered;
    };
    int above(int n) const;
    int below(int n) const;

    int most_, best_ = 0;
    std::string who_;
    int since_try_ = 0, tries_ = 0;
    bool again_ = false;   // the last try paid
    double worth_best_ = 0, tried_seconds_ = 0, others_tokens_ = 0;  // of the last choice
    int64_t parked_rounds_ = 0, times_parked_ = 0;
    std::array<Place, RoundCosts::kMost + 1> places_{};  // [k], from 1
};

}  // namespace rw::spec
