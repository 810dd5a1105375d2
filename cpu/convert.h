// Rows from one element type to another, for ops that move data.
#pragma once

#include <cstring>

#include "core/convert.h"
#include "cpu/cpu.h"

namespace rw::cpu {

/// n neighbouring elements at `from`, of type from_type, to `to`.
using ConvertRow = void (*)(const std::byte* from, int from_type, std::byte* to, int to_type, int64_t n);

inline int64_t element_size(int type) { return type == RW_F32 ? 4 : 2; }

/// One element through f32, which holds all the types' numbers.
inline void convert_element(const std::byte* from, int from_type, std::byte* to, int to_type) {
    float value;
    uint16_t bits;
    if (from_type == RW_F32) std::memcpy(&value, from, 4);
    else std::memcpy(&bits, from, 2), value = from_type == RW_F16 ? core::from_half(bits) : core::from_bfloat(bits);
    if (to_type == RW_F32) return void(std::memcpy(to, &value, 4));
    bits = to_type == RW_F16 ? core::to_half(value) : core::to_bfloat(value);
    std::memcpy(to, &bits, 2);
}

inline void plain_convert(const std::byte* from, int from_type, std::byte* to, int to_type, int64_t n) {
    const int64_t step = element_size(from_type), to_step = element_size(to_type);
    if (from_type == to_type) return void(std::memcpy(to, from, size_t(n * step)));
    for (int64_t i = 0; i < n; ++i) convert_element(from + i * step, from_type, to + i * to_step, to_type);
}

}  // namespace rw::cpu
