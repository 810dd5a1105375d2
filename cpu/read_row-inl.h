// ReadRow (cpu/read_row.h) on Highway vectors. Included once per target: no #pragma once.
#if defined(REWIND_CPU_READ_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_READ_ROW_INL_H
#undef REWIND_CPU_READ_ROW_INL_H
#else
#define REWIND_CPU_READ_ROW_INL_H
#endif

#include "cpu/convert-inl.h"
#include "cpu/read_row.h"
#include "cpu/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

inline void ReadOne(const std::byte* from, int type, float* to, int64_t n) {
    static constexpr void (*by_type[])(const uint8_t*, float*, int64_t) = {nullptr, nullptr, nullptr, nullptr,
                                                                        RW_OF_QUANTS(Unpack)};
    static_assert(std::size(by_type) == std::size(all_types));
    if (by_type[type]) by_type[type](reinterpret_cast<const uint8_t*>(from), to, n);
    else Convert(from, type, reinterpret_cast<std::byte*>(to), RW_F32, n);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
