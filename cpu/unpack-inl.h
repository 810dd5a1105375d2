// Weights of a format (cpu/wide_weights-inl.h) to f32. Included once per target: no #pragma once.
#if defined(REWIND_CPU_UNPACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_UNPACK_INL_H
#undef REWIND_CPU_UNPACK_INL_H
#else
#define REWIND_CPU_UNPACK_INL_H
#endif

#include "cpu/wide_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// n elements of a row, whole blocks of them.
template <class Format>
void Unpack(const uint8_t* block, float* to, int64_t n) {
    for (int64_t at = 0; at < n; at += Format::kBlock, block += Format::kBytes) {
        typename Format::State state;
        Format::Open(block, state);
        for (int group = 0; group < Format::kBlock; group += Format::kGroup)
#pragma GCC unroll 8
            for (int i = 0; i < Format::kGroup; i += int(kLanes))
                hn::StoreU(Format::Weight(block, state, group, i), f32, to + at + group + i);
    }
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
