// Vectors of a row whose length is no multiple of anything. Included once per target: no #pragma once.
#if defined(REWIND_CPU_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_ROWS_INL_H
#undef REWIND_CPU_ROWS_INL_H
#else
#define REWIND_CPU_ROWS_INL_H
#endif

#include <algorithm>

#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Elements i .. i + kLanes - 1 of a row of n, zeros past its end.
HWY_INLINE Vec LoadOf(const float* row, int64_t i, int64_t n) {
    if (i + kLanes <= n) return hn::LoadU(f32, row + i);
    HWY_ALIGN float part[kLanes] = {};
    std::copy(row + i, row + n, part);
    return hn::Load(f32, part);
}

/// Those of them that there are.
HWY_INLINE void StoreOf(Vec v, float* row, int64_t i, int64_t n) {
    if (i + kLanes <= n) return hn::StoreU(v, f32, row + i);
    HWY_ALIGN float part[kLanes];
    hn::Store(v, f32, part);
    std::copy_n(part, n - i, row + i);
}

/// The sum of exp(x - base) over a row of n, in one order that depends on n alone. The row is not to be so long that a
/// single sum loses digits.
HWY_INLINE float ExpSum(const float* x, int64_t n, float base) {
    const Vec from = hn::Set(f32, base);
    Vec even = hn::Zero(f32), odd = even;
    int64_t i = 0;
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
        even = hn::Add(even, Exp(hn::Sub(hn::LoadU(f32, x + i), from)));
        odd = hn::Add(odd, Exp(hn::Sub(hn::LoadU(f32, x + i + kLanes), from)));
    }
    HWY_ALIGN float rest[2 * kLanes];
    std::fill_n(rest, 2 * kLanes, -HUGE_VALF);
    std::copy(x + i, x + n, rest);
    even = hn::Add(even, Exp(hn::Sub(hn::Load(f32, rest), from)));
    odd = hn::Add(odd, Exp(hn::Sub(hn::Load(f32, rest + kLanes), from)));
    return Sum(hn::Add(even, odd));
}

HWY_INLINE Vec SiluOf(Vec x) { return hn::Mul(x, Sigmoid(x)); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
