// ConvertRow (cpu/convert.h) on Highway vectors: the values, and so the bits, of convert_element. Included once per
// target: no #pragma once.
#if defined(REWIND_CPU_CONVERT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_CONVERT_INL_H
#undef REWIND_CPU_CONVERT_INL_H
#else
#define REWIND_CPU_CONVERT_INL_H
#endif

#include "cpu/convert.h"
#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

using U32 = hn::RebindToUnsigned<F32>;
using I32s = hn::RebindToSigned<F32>;
using U16 = hn::Rebind<uint16_t, F32>;

template <int type>
HWY_INLINE Vec LoadElements(const std::byte* from) {
    if constexpr (type == RW_F32) {
        return hn::LoadU(f32, reinterpret_cast<const float*>(from));
    } else if constexpr (type == RW_F16) {
        return LoadHalves(f32, reinterpret_cast<const uint16_t*>(from));
    } else {
        const auto bits = hn::PromoteTo(U32(), hn::LoadU(U16(), reinterpret_cast<const uint16_t*>(from)));
        return hn::BitCast(f32, hn::ShiftLeft<16>(bits));
    }
}

/// Bits of 16-bit numbers, rounded to nearest even, in the low halves of 32-bit lanes. In whole numbers, as not every
/// target's own conversion rounds.
template <int type>
HWY_INLINE hn::Vec<U32> Bits16(Vec x) {
    const U32 u;
    const auto bits = hn::BitCast(u, x), magnitude = hn::And(bits, hn::Set(u, 0x7fffffffu));
    const auto not_a_number = hn::Gt(magnitude, hn::Set(u, 0x7f800000u));
    if constexpr (type == RW_BF16) {
        const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 1));
        const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(u, 0x7fff)), even));
        return hn::IfThenElse(not_a_number, hn::Or(hn::ShiftRight<16>(bits), hn::Set(u, 0x40)), rounded);
    } else {
        const auto even = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(u, 1));
        const auto rounded = hn::ShiftRight<13>(hn::Add(hn::Add(magnitude, hn::Set(u, 0xfff)), even));
        // Below 2^-14 the last place of 0.5 is that of a subnormal half.
        const auto small = hn::Sub(hn::BitCast(u, hn::Add(hn::BitCast(f32, magnitude), hn::Set(f32, 0.5f))),
                                   hn::BitCast(u, hn::Set(f32, 0.5f)));
        auto half = hn::Sub(rounded, hn::Set(u, 112u << 10));
        half = hn::IfThenElse(hn::Lt(magnitude, hn::Set(u, 0x38800000u)), small, half);
        half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(u, 0x477fefffu)), hn::Set(u, 0x7c00), half);
        half = hn::IfThenElse(not_a_number, hn::Set(u, 0x7e00), half);
        return hn::Or(half, hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 0x8000)));
    }
}

template <int type>
HWY_INLINE void StoreElements(Vec x, std::byte* to) {
    if constexpr (type == RW_F32) hn::StoreU(x, f32, reinterpret_cast<float*>(to));
    else hn::StoreU(hn::DemoteTo(U16(), hn::BitCast(I32s(), Bits16<type>(x))), U16(), reinterpret_cast<uint16_t*>(to));
}

template <int from_type, int to_type>
void ConvertTyped(const std::byte* from, std::byte* to, int64_t n) {
    constexpr int64_t in = from_type == RW_F32 ? 4 : 2, out = to_type == RW_F32 ? 4 : 2;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) StoreElements<to_type>(LoadElements<from_type>(from + i * in), to + i * out);
    if (i == n) return;
    HWY_ALIGN std::byte last[4 * kLanes] = {}, converted[4 * kLanes];
    std::memcpy(last, from + i * in, size_t((n - i) * in));
    StoreElements<to_type>(LoadElements<from_type>(last), converted);
    std::memcpy(to + i * out, converted, size_t((n - i) * out));
}

inline void Convert(const std::byte* from, int from_type, std::byte* to, int to_type, int64_t n) {
    using Typed = void (*)(const std::byte*, std::byte*, int64_t);
    static constexpr Typed table[3][3] = {
        {nullptr, ConvertTyped<RW_F32, RW_F16>, ConvertTyped<RW_F32, RW_BF16>},
        {ConvertTyped<RW_F16, RW_F32>, nullptr, ConvertTyped<RW_F16, RW_BF16>},
        {ConvertTyped<RW_BF16, RW_F32>, ConvertTyped<RW_BF16, RW_F16>, nullptr}};
    if (const Typed typed = table[from_type][to_type]) return typed(from, to, n);
    std::memcpy(to, from, size_t(n * element_size(from_type)));
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
