// What the gated delta kernels do to four value columns of a state at a time. A column is S_k floats, the next one
// follows. Every sum runs over the key channels in one vector accumulator, whatever else is computed beside it.
#if defined(REWIND_CPU_GDN_COLUMNS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_COLUMNS_INL_H
#undef REWIND_CPU_GDN_COLUMNS_INL_H
#else
#define REWIND_CPU_GDN_COLUMNS_INL_H
#endif

#include <type_traits>

#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Calls f(S_k as a constant) for the sizes that are worth a loop of their own: an unrolled one leaves no mispredicted exit
/// between two groups of columns, a tenth of the time.
template <class F>
HWY_INLINE void WithSize(int64_t S_k, const F& f) {
    if (S_k == 128) f(std::integral_constant<int64_t, 128>());
    else if (S_k == 64) f(std::integral_constant<int64_t, 64>());
    else f(S_k);
}

/// The sums m and r of four columns.
template <class Size>
HWY_NOINLINE void Probe4(const float* HWY_RESTRICT S, Size S_k, const float* k, const float* q, float decay, float* m,
                         float* r) {
    Vec m0 = hn::Zero(f32), m1 = m0, m2 = m0, m3 = m0, r0 = m0, r1 = m0, r2 = m0, r3 = m0;
#pragma GCC unroll 16
    for (int64_t i = 0; i < S_k; i += kLanes) {
        const Vec ki = hn::Load(f32, k + i), qi = hn::Load(f32, q + i);
        const Vec s0 = hn::LoadU(f32, S + i), s1 = hn::LoadU(f32, S + S_k + i);
        m0 = hn::MulAdd(s0, ki, m0), r0 = hn::MulAdd(s0, qi, r0);
        m1 = hn::MulAdd(s1, ki, m1), r1 = hn::MulAdd(s1, qi, r1);
        const Vec s2 = hn::LoadU(f32, S + 2 * S_k + i), s3 = hn::LoadU(f32, S + 3 * S_k + i);
        m2 = hn::MulAdd(s2, ki, m2), r2 = hn::MulAdd(s2, qi, r2);
        m3 = hn::MulAdd(s3, ki, m3), r3 = hn::MulAdd(s3, qi, r3);
    }
    hn::Store(hn::Mul(Sums(m0, m1, m2, m3), hn::Set(f32x4, decay)), f32x4, m);
    hn::Store(hn::Mul(Sums(r0, r1, r2, r3), hn::Set(f32x4, decay)), f32x4, r);
}

/// Where four columns go: memory to read again soon, or past the caches.
template <bool kStream>
HWY_INLINE void Put(Vec x, float* to) {
    if constexpr (kStream) hn::Stream(x, f32, to);
    else hn::StoreU(x, f32, to);
}

/// S <- a S + k d for four columns; from and to may be the same.
template <bool kChannel, bool kStream, class Size>
HWY_NOINLINE void Update4(const float* from, float* to, Size S_k, const float* k, const float* decay, float decay1,
                        const float* d) {
    const Vec d0 = hn::Set(f32, d[0]), d1 = hn::Set(f32, d[1]), d2 = hn::Set(f32, d[2]), d3 = hn::Set(f32, d[3]);
    const Vec one = hn::Set(f32, decay1);
    for (int64_t i = 0; i < S_k; i += kLanes) {
        const Vec ki = hn::Load(f32, k + i), a = kChannel ? hn::Load(f32, decay + i) : one;
        Put<kStream>(hn::MulAdd(ki, d0, hn::Mul(a, hn::LoadU(f32, from + i))), to + i);
        Put<kStream>(hn::MulAdd(ki, d1, hn::Mul(a, hn::LoadU(f32, from + S_k + i))), to + S_k + i);
        Put<kStream>(hn::MulAdd(ki, d2, hn::Mul(a, hn::LoadU(f32, from + 2 * S_k + i))), to + 2 * S_k + i);
        Put<kStream>(hn::MulAdd(ki, d3, hn::Mul(a, hn::LoadU(f32, from + 3 * S_k + i))), to + 3 * S_k + i);
    }
}

/// to = decay S + sum over s < n of k_s d_s, in that order, kVecs vectors of channels of four columns. k: rows of S_k;
/// d: rows of `pitch`, at the first of the four columns.
template <int kVecs>
HWY_NOINLINE void Fold4(const float* from, float* to, int64_t S_k, const float* decay, const float* k, const float* d,
                      int64_t pitch, int64_t n) {
    for (int64_t i = 0; i < S_k; i += kVecs * kLanes) {
        Vec s0[kVecs], s1[kVecs], s2[kVecs], s3[kVecs];
        for (int u = 0; u < kVecs; ++u) {
            const int64_t at = i + u * kLanes;
            const Vec a = hn::Load(f32, decay + at);
            s0[u] = hn::Mul(a, hn::LoadU(f32, from + at)), s1[u] = hn::Mul(a, hn::LoadU(f32, from + S_k + at));
            s2[u] = hn::Mul(a, hn::LoadU(f32, from + 2 * S_k + at));
            s3[u] = hn::Mul(a, hn::LoadU(f32, from + 3 * S_k + at));
        }
        for (int64_t s = 0; s < n; ++s) {
            const Vec d0 = hn::Set(f32, d[s * pitch]), d1 = hn::Set(f32, d[s * pitch + 1]);
            const Vec d2 = hn::Set(f32, d[s * pitch + 2]), d3 = hn::Set(f32, d[s * pitch + 3]);
            for (int u = 0; u < kVecs; ++u) {
                const Vec ks = hn::Load(f32, k + s * S_k + i + u * kLanes);
                s0[u] = hn::MulAdd(ks, d0, s0[u]), s1[u] = hn::MulAdd(ks, d1, s1[u]);
                s2[u] = hn::MulAdd(ks, d2, s2[u]), s3[u] = hn::MulAdd(ks, d3, s3[u]);
            }
        }
        for (int u = 0; u < kVecs; ++u) {
            const int64_t at = i + u * kLanes;
            hn::StoreU(s0[u], f32, to + at), hn::StoreU(s1[u], f32, to + S_k + at);
            hn::StoreU(s2[u], f32, to + 2 * S_k + at), hn::StoreU(s3[u], f32, to + 3 * S_k + at);
        }
    }
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
