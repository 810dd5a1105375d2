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

namespace rw::spec {

class Threshold {
public:
    /// How many of a draft's tokens to verify. seconds(n): of the rest of a round with n of them; rate: tokens a second,
    /// of all sequences that share the round; 0 when it is not known.
    int keep(std::span<const float> probabilities, const std::function<double(int)>& seconds, double rate, int sequences);
    /// Of a draft whose tokens were held this probable the first `accepted` stood.
    void learn(std::span<const float> verified, int accepted);
    /// The share of tokens held this probable that stands.
    double share(float probability) const;

private:
    struct Bin {
        double share = 0;
        int tries = 0;
    };
    static size_t bin(float probability);
    std::array<Bin, 10> bins_{};
    int since_try_ = 0;
};

}  // namespace rw::spec
