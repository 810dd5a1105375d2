// The formats of cpu/weights-inl.h as the products of one instruction set take them: in groups of elements that share what
// is loaded for them, and where a vector has sixteen lanes, with tables. Included once per target: no #pragma once.
//
//   F::Weight(block, s, group, i)      elements group + i, ... of the block, kLanes of them. group is a multiple of kGroup;
//                                      i lies below it and is known to the compiler
//
// Sixteen lanes hold what the sixteen values of four bits stand for: scale and offset go into such a table, once for 32
// elements, and an element is looked up in it by bits that nobody has to cut out. Five bits are put together as numbers.
// Elements are the same as without, bit for bit: a table's entry is the same multiplication, or fused addition, of the same
// numbers.
#if defined(REWIND_CPU_WIDE_WEIGHTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_WIDE_WEIGHTS_INL_H
#undef REWIND_CPU_WIDE_WEIGHTS_INL_H
#else
#define REWIND_CPU_WIDE_WEIGHTS_INL_H
#endif

#include "cpu/weights-inl.h"

/* F of every type, in the order of all_types: for tables of functions. i32 is no type of weights. */
#ifndef RW_OF_QUANTS
#define RW_OF_QUANTS(F)                                                                                            \
    F<Grouped<Q8_0>>, F<Grouped<Q4_0>>, F<Grouped<Q4_1>>, F<Grouped<Q5_0>>, F<Grouped<Q5_1>>, F<Grouped<Q4_K>>,     \
        F<Grouped<Q5_K>>, F<Grouped<Q6_K>>, F<Grouped<Iq4Nl>>, F<Grouped<Iq4Xs>>
#define RW_OF_WEIGHTS(F)                                                                                           \
    F<Grouped<PlainFormat<float>>>, F<Grouped<PlainFormat<hwy::float16_t>>>,                                        \
        F<Grouped<PlainFormat<hwy::bfloat16_t>>>, nullptr, RW_OF_QUANTS(F)
#endif

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Vectors of sixteen lanes, which come with 32 registers.
constexpr bool kWide = kLanes == 16;

template <class Format>
struct Narrow : Format {
    static constexpr int kGroup = 32;
    static HWY_INLINE Vec Weight(const uint8_t* block, const typename Format::State& s, int group, int i) {
        return Format::Weight(block, s, group + i);
    }
};

/// With so many registers there are sums of so many rows that scaling a weight costs less than scaling every sum.
template <class Format>
struct Wide : Narrow<Format> {
    static constexpr bool kOneScale = false;
};

template <class Format>
using Grouped = std::conditional_t<kWide, Wide<Format>, Narrow<Format>>;

using Wholes = hn::RebindToSigned<F32>;
using WholeVec = hn::Vec<Wholes>;

HWY_INLINE WholeVec Promoted(const uint8_t* bytes) {
    return hn::PromoteTo(Wholes(), hn::LoadU(hn::Rebind<uint8_t, F32>(), bytes));
}

/// What a table holds for the low four bits of each number.
HWY_INLINE Vec LookUp(Vec table, WholeVec numbers) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    return Vec{_mm512_permutexvar_ps(numbers.raw, table.raw)};  // which does not look at the other bits
#else
    return hn::TableLookupLanes(table, hn::IndicesFromVec(f32, hn::And(numbers, hn::Set(Wholes(), 15))));
#endif
}

/// Elements i, ... of 2 `half`, which share `half` bytes: the first ones the low four bits of them, the others the high ones.
/// What stands above the four bits is left there.
HWY_INLINE WholeVec Four(const uint8_t* bytes, int i, int half) {
    const auto all = Promoted(bytes + i % half);
    return i < half ? all : hn::ShiftRight<4>(all);
}

/// Blocks of 32: nothing has to be unpacked before.
template <class Format>
struct WideSmall : Format {
    static constexpr bool kOneScale = false;
    static constexpr int kGroup = 32;
    static HWY_INLINE void Open(const uint8_t*, typename Format::State&) {}
};

/// Blocks of 256: their scales have to be.
template <class Format, int kShare>
struct WideBig : Format {
    static constexpr int kGroup = kShare;
    static HWY_INLINE void Open(const uint8_t* block, typename Format::State& s) { Format::OpenScales(block, s); }
};

template <>
struct Wide<Q4_0> : WideSmall<Q4_0> {
    static HWY_INLINE Vec Weight(const uint8_t* block, const State&, int, int i) {
        return LookUp(hn::Mul(hn::Iota(f32, -8), Scale(block)), Four(block + 2, i, 16));
    }
};

template <>
struct Wide<Iq4Nl> : WideSmall<Iq4Nl> {
    static HWY_INLINE Vec Weight(const uint8_t* block, const State&, int, int i) {
        return LookUp(hn::Mul(Numbers(core::iq4_code), Scale(block)), Four(block + 2, i, 16));
    }
};

template <>
struct Wide<Q4_1> : WideSmall<Q4_1> {
    static HWY_INLINE Vec Weight(const uint8_t* block, const State&, int, int i) {
        return LookUp(hn::MulAdd(hn::Iota(f32, 0), HalfAt(block), HalfAt(block + 2)), Four(block + 4, i, 16));
    }
};

template <>
struct Wide<Q4_K> : WideBig<Q4_K, 64> {
    static HWY_INLINE Vec Weight(const uint8_t* block, const State& s, int group, int i) {
        const int j = group / 32 + i / 32;
        const Vec table = hn::MulAdd(hn::Iota(f32, 0), hn::Set(f32, s.scale[j]), hn::Set(f32, s.offset[j]));
        return LookUp(table, Four(block + 16 + group / 2, i, 32));
    }
};

template <>
struct Wide<Q5_K> : WideBig<Q5_K, 64> {
    static HWY_INLINE Vec Weight(const uint8_t* block, const State& s, int group, int i) {
        const int j = group / 32 + i / 32;
        const auto four = hn::And(Four(block + 48 + group / 2, i, 32), hn::Set(Wholes(), 15));
        const auto fifth = hn::TestBit(Promoted(block + 16 + i % 32), hn::Set(Wholes(), 1 << j));
        const auto number = hn::IfThenElse(fifth, hn::Add(four, hn::Set(Wholes(), 16)), four);
        return hn::MulAdd(hn::ConvertTo(f32, number), hn::Set(f32, s.scale[j]), hn::Set(f32, s.offset[j]));
    }
};

template <>
struct Wide<Iq4Xs> : WideBig<Iq4Xs, 32> {
    static HWY_INLINE Vec Weight(const uint8_t* block, const State& s, int group, int i) {
        const Vec table = hn::Mul(Numbers(core::iq4_code), hn::Set(f32, s.scale[group / 32]));
        return LookUp(table, Four(block + 8 + group / 2, i, 16));
    }
};

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
