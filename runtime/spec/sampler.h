// Choosing a token from logits: a pure function of the logits, the options and the position, so that there is no state
// to rewind when a draft is rejected.
//
// temperature 0 takes the greatest logit, the lowest token of equals. Else, in this order: the top_k greatest are kept,
// logits are divided by the temperature, tokens below min_p times the greatest probability go, and the fewest whose
// probabilities make up top_p stay; one of them is drawn with a number that is a hash of (seed, choice, position).
#pragma once

#include <cstdint>
#include <span>

namespace rw::spec {

struct Sampler {
    double temperature = 0;
    int top_k = 0;     // 0: all
    double top_p = 1, min_p = 0;
    uint64_t seed = 0;
    uint32_t choice = 0;  // which of several answers to one prompt

    bool greedy() const { return temperature <= 0; }
    /// position: of the token that is chosen. Throws Error(invalid_argument) for options out of range.
    int32_t choose(std::span<const float> logits, int64_t position) const;
    void check() const;
};

/// A number in [0, 1) from the three, the same everywhere.
double uniform(uint64_t seed, uint32_t choice, int64_t position);

}  // namespace rw::spec
