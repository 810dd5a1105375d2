// Where a draft ends: p_min = auto.
//
// A drafter says how probable it holds each of its tokens; how often tokens of which it says so do stand is learnt, by tenths.
// So a token's chance to be reached and to stand is known before it is verified, and it is worth that much of a token. A
// draft is cut where the sum of what its tokens are worth, less the seconds that verifying them adds times the tokens a second
// that rounds yield now, is greatest: each stretch of it has to bring more than the time that it takes would otherwise.
//
// A token that is never verified teaches nothing, so now and then one more is. Nothing is random.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "runtime/spec/savings.h"
#include "runtime/spec/share.h"

namespace rw::spec {

class Threshold {
public:
    /// How many of a draft's tokens to verify. seconds(n): of the rest of a round with n of them; rate: tokens a second,
    /// of all sequences that share the round; 0 when it is not known; least: of fewer tokens than that none are kept.
    int keep(std::span<const float> probabilities, const std::function<double(int)>& seconds, double rate, int sequences,
             int least = 0);
    /// A token that was held this probable was verified where all before it stood.
    void learn(float probability, bool stood) { bins_[bin(probability)].add(stood); }
    /// The share of tokens held this probable that stands.
    double share(float probability) const;

private:
    static size_t bin(float probability);
    std::array<Share, 10> bins_{};
    Savings savings_;
};

}  // namespace rw::spec
