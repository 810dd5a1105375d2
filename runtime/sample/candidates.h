// The tokens that may still be drawn, and the ways to make them fewer.
//
//     Candidates c(logits, /* top_k */ 40, /* temperature */ 0.7);
//     c.keep_min_p(0.05), c.keep_top_p(0.95);
//     c.at(u)                                   // drawn, for u in [0, 1)
//
// A weight is a token's probability over that of the most probable one. The vocabulary is never sorted: what is kept is
// selected, in steps that grow, and only what is kept is put in order. Equals are in the order of their ids, so that what
// comes out follows from the logits alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rw::sample {

struct Weighted {
    int32_t token;
    float logit;
    double weight;
};

/// A logit as it counts: NaN as the least finite number, so that it is chosen only where there is no other.
float counting(float logit);
/// The token with the greatest logit, the lowest of equals.
int32_t greatest(std::span<const float> logits);
/// The k tokens with the greatest logits, in order; weights are not set.
std::vector<Weighted> greatest(std::span<const float> logits, size_t k);

class Candidates {
public:
    /// top_k 0: all, in the order of their ids.
    Candidates(std::span<const float> logits, int64_t top_k, double temperature);

    /// Those that are at least this share of the most probable one.
    void keep_min_p(double share);
    /// The fewest that make up this probability, of which the information is nearest to what is expected, the entropy
    /// (locally typical sampling, Meister et al. 2022).
    void keep_typical(double share);
    /// The fewest that make up this probability, the most probable first.
    void keep_top_p(double share);
    /// Those that surprise by no more than this many bits, or else the most probable one.
    void keep_surprise(double bits);
    /// One less. There has to be another.
    void remove(int32_t token);

    /// Null for a token that is not among them.
    const Weighted* find(int32_t token) const;
    const Weighted& at(double u) const;
    double total() const;
    const std::vector<Weighted>& list() const { return list_; }

private:
    std::vector<Weighted> list_;  // never empty
};

}  // namespace rw::sample
