// The arithmetic of cpu/scan.h: a block of columns of one token. Four columns share every load of the token's vectors;
// each column has one vector accumulator, summed over its lanes in the fixed order of math-inl.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/scan.cpp"
#include <hwy/foreach_target.h>

#include "cpu/scan.h"
#if RW_VECTOR_TARGET
#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

template <int C>
HWY_INLINE void LaneSums(const Vec (&x)[C], float* sums) {
    if constexpr (C == 4) hn::StoreU(Sums(x[0], x[1], x[2], x[3]), f32x4, sums);
    else sums[0] = Sum(x[0]);
}

/// u_c = a . s_c, in every lane.
template <int C>
HWY_INLINE void Probe(const float* a, int S_k, const float* from, Vec (&u)[C]) {
    for (Vec& x : u) x = hn::Zero(f32);
    for (int64_t i = 0; i < S_k; i += kLanes) {
        const Vec ai = hn::LoadU(f32, a + i);
        for (int64_t c = 0; c < C; ++c) u[c] = hn::MulAdd(ai, hn::LoadU(f32, from + c * S_k + i), u[c]);
    }
    float sums[C];
    LaneSums(u, sums);
    for (int c = 0; c < C; ++c) u[c] = hn::Set(f32, sums[c]);
}

template <int C, bool kShared, bool kPair>
HWY_INLINE void Update(const ScanToken& x, int S_k, int j, const float* from, float* to) {
    Vec value[C], u[C], y[C];
    for (int c = 0; c < C; ++c) value[c] = hn::Set(f32, x.value_by * x.value[j + c]), y[c] = hn::Zero(f32);
    if constexpr (kPair) Probe(x.a, S_k, from, u);
    Vec decay = hn::Set(f32, x.decay[0]);
    for (int64_t i = 0; i < S_k; i += kLanes) {
        const Vec key = hn::LoadU(f32, x.key + i), query = hn::LoadU(f32, x.query + i);
        if constexpr (!kShared) decay = hn::LoadU(f32, x.decay + i);
        for (int64_t c = 0; c < C; ++c) {
            Vec s = hn::MulAdd(key, value[c], hn::Mul(decay, hn::LoadU(f32, from + c * S_k + i)));
            if constexpr (kPair) s = hn::MulAdd(hn::LoadU(f32, x.b + i), u[c], s);
            hn::StoreU(s, f32, to + c * S_k + i);
            y[c] = hn::MulAdd(query, s, y[c]);
        }
    }
    float sums[C];
    LaneSums(y, sums);
    for (int c = 0; c < C; ++c) x.out[j + c] = x.out_by * sums[c] + (x.has_skip ? x.skip * x.value[j + c] : 0.0f);
}

template <bool kShared, bool kPair>
HWY_INLINE void Block(const ScanToken& x, int S_k, int first, int n, const float* from, float* to) {
    int j = 0;
    for (; j + 4 <= n; j += 4) Update<4, kShared, kPair>(x, S_k, first + j, from + j * S_k, to + j * S_k);
    for (; j < n; ++j) Update<1, kShared, kPair>(x, S_k, first + j, from + j * S_k, to + j * S_k);
}

void Columns(const ScanToken& x, int S_k, int first, int n, const float* from, float* to) {
    if (x.a) return Block<false, true>(x, S_k, first, n, from, to);
    if (x.shared_decay) return Block<true, false>(x, S_k, first, n, from, to);
    Block<false, false>(x, S_k, first, n, from, to);
}

void ExpInPlace(float* x, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes) hn::StoreU(Exp(hn::LoadU(f32, x + i)), f32, x + i);
}

void SoftplusInPlace(float* x, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes) hn::StoreU(Softplus(hn::LoadU(f32, x + i)), f32, x + i);
}

const ScanArithmetic* Arithmetic() {
    static constexpr ScanArithmetic arithmetic{Columns, ExpInPlace, SoftplusInPlace};
    return &arithmetic;
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <cmath>

namespace rw::cpu {
namespace {

void plain_columns(const ScanToken& x, int S_k, int first, int n, const float* from, float* to) {
    for (int j = first; j < first + n; ++j, from += S_k, to += S_k) {
        const float value = x.value_by * x.value[j];
        float u = 0, y = 0;
        if (x.a)
            for (int i = 0; i < S_k; ++i) u += x.a[i] * from[i];
        for (int i = 0; i < S_k; ++i) {
            float s = x.decay[x.shared_decay ? 0 : i] * from[i] + x.key[i] * value;
            if (x.b) s += x.b[i] * u;
            to[i] = s, y += x.query[i] * s;
        }
        x.out[j] = x.out_by * y + (x.has_skip ? x.skip * x.value[j] : 0);
    }
}

void plain_exp(float* x, int64_t n) {
    for (int64_t i = 0; i < n; ++i) x[i] = std::exp(x[i]);
}

void plain_softplus(float* x, int64_t n) {
    for (int64_t i = 0; i < n; ++i) x[i] = x[i] > 20 ? x[i] : std::log1p(std::exp(x[i]));
}

}  // namespace

const ScanArithmetic plain_scan_arithmetic{plain_columns, plain_exp, plain_softplus};

const ScanArithmetic* scan_arithmetic(size_t at) {
    using Get = const ScanArithmetic* (*)();
    static constexpr Get table[HWY_MAX_DYNAMIC_TARGETS] = {HWY_CHOOSE_TARGET_LIST(Arithmetic)};
    return table[at] ? table[at]() : nullptr;
}

}  // namespace rw::cpu
#endif
