// How many tokens to draft: n_max = auto.
//
// A round that may draft n tokens yields 1 + sum over k <= n of a_1 ... a_k tokens, a_k the share of drafts whose k-th
// token stood when the ones before it did, and takes c(n) seconds: drafting, verifying, going back and choosing, as
// measured. The n with the most tokens a second is taken, 0 among them. Both are learnt: a_k for each sequence, over its
// last forty tries or so; c(n) for all sequences of a device together, by how many take part in a round.
//
// What is not tried cannot be learnt, so now and then a round drafts more than is best: the dearer that is, the more seldom,
// so that it costs about a hundredth at most, and in a row while it pays. A place of a draft that was tried a few times
// only is taken to be much like the one before it. Nothing is random: the same history gives the same choices.
#pragma once

#include <array>
#include <span>

#include "rewind/ops/contract.h"

namespace rw::spec {

/// Seconds of a round, by how many sequences it was for and how many tokens it could draft for each.
class RoundCosts {
public:
    static constexpr int kMost = 64;
    void add(int sequences, int n, double seconds);
    /// What is known, or a straight line through what is; 0 when nothing is known for so many sequences.
    double operator()(int sequences, int n) const;
    bool knows(int sequences, int n) const { return of(sequences)[size_t(n)].times > 0; }

private:
    struct Cost {
        double seconds = 0;
        int times = 0;
    };
    using Row = std::array<Cost, kMost + 1>;
    Row& of(int sequences) { return rows_[bucket(sequences)]; }
    const Row& of(int sequences) const { return rows_[bucket(sequences)]; }
    static size_t bucket(int sequences);  // 1, 2, 3 to 4, 5 to 8, ...

    std::array<Row, 10> rows_{};
};

class Controller {
public:
    /// most: tokens of a draft at most. Throws Error(invalid_argument) beyond 0 .. RoundCosts::kMost.
    explicit Controller(int most);
    /// How many tokens the next round should draft.
    int choose(const RoundCosts& costs, int sequences);
    /// What became of it: the drafter came up with `drafted` tokens, of which the first `accepted` stood.
    void learn(const RoundCosts& costs, int sequences, int chosen, int drafted, int accepted);
    /// The choice without what is only tried.
    int best() const { return best_; }
    /// Expected tokens of a round that may draft n.
    double tokens(int n) const;

private:
    // Ends of what batches of rows are cut into, n + 1 = 8, 16, 32, among them.
    static constexpr int kSteps[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 23, 31, 39, 47, 55, 64};
    struct Place {
        double share = 0;
        int tries = 0;
        void add(bool stood);
    };
    int above(int n) const;

    int most_, best_ = 0;
    int since_try_ = 0;
    bool again_ = false;  // the last try paid
    std::array<Place, RoundCosts::kMost + 1> places_{};  // [k], from 1
};

}  // namespace rw::spec
