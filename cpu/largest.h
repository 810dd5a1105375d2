// The largest numbers of a row and the sum of its exponentials, for TOP_K and MOE_ROUTE.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace rw::cpu {

/// A NaN is below all numbers.
inline float rank_of(float x) { return x == x ? x : -HUGE_VALF; }

/// The k largest numbers so far, in falling order; of equal ones that which came first.
template <int kMost>
struct Largest {
    int32_t k = 1, count = 0;
    float value[kMost];
    int32_t id[kMost];

    Largest() = default;
    explicit Largest(int64_t k) : k(int32_t(k)) {}
    /// There are k, all at least as large as x: it changes nothing.
    bool refuses(float x) const { return count == k && !(x > value[k - 1]); }
    void offer(float x, int64_t at) {
        if (refuses(x)) return;
        int32_t i = count < k ? count++ : k - 1;
        for (; i > 0 && x > value[i - 1]; --i) value[i] = value[i - 1], id[i] = id[i - 1];
        value[i] = x, id[i] = int32_t(at);
    }
    /// Numbers x[0 .. n - 1], which are those from `first` on.
    void search(const float* x, int64_t first, int64_t n) {
        for (int64_t i = 0; i < n; ++i) offer(rank_of(x[i]), first + i);
    }
    /// What exponents are taken relative to.
    float base() const { return value[0] == -HUGE_VALF ? 0 : value[0]; }
};

inline float plain_exp_sum(const float* x, int64_t n, float base) {
    float sum[8] = {};
    for (int64_t i = 0; i < n; ++i) sum[i % 8] += std::exp(x[i] - base);
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

}  // namespace rw::cpu
