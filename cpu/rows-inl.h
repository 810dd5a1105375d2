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

HWY_INLINE Vec SiluOf(Vec x) { return hn::Mul(x, Sigmoid(x)); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
