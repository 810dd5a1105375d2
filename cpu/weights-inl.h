// Weights of every type as vectors of f32, for the products of one instruction set. Layouts: core/blocks.h.
// Included once per target: no #pragma once.
//
// A format F reads blocks of kBlock elements in kBytes bytes (types that are not quantised: 32 elements):
//
//   F::State s;                        room for one block's numbers
//   F::Open(block, s);                 unpacks it
//   F::Weight(block, s, i)             elements i, i + 1, ... of the block, kLanes of them
//
// Where a block's elements are numbers times its d alone (kOneScale), they can be had apart:
//
//   F::Number(block, s, i), F::Scale(block)
//
// Numbers are bytes first, then f32 in one multiplication (and, with a min, one fused addition): d times scale times
// number is exact in 24 bits, so every element is the f32 nearest to its formula.
#if defined(REWIND_CPU_WEIGHTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_WEIGHTS_INL_H
#undef REWIND_CPU_WEIGHTS_INL_H
#else
#define REWIND_CPU_WEIGHTS_INL_H
#endif

#include <cstring>
#include <type_traits>

#include "core/blocks.h"
#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

using Bytes = hn::CappedTag<uint8_t, 16>;
constexpr Bytes u8;

/// The f16 at p in every lane.
HWY_INLINE Vec HalfAt(const uint8_t* p) {
    uint16_t bits;
    std::memcpy(&bits, p, 2);
    return FromHalves(f32, hn::Set(hn::Rebind<uint16_t, F32>(), bits));
}

/// kLanes signed bytes.
HWY_INLINE Vec Numbers(const int8_t* q) {
    const hn::Rebind<int8_t, F32> i8;
    const hn::RebindToSigned<F32> i32;
    return hn::ConvertTo(f32, hn::PromoteTo(i32, hn::LoadU(i8, q)));
}

/// 16 bytes of nibbles: low(0) and high(16) halves, less `minus`.
HWY_INLINE void Nibbles(const uint8_t* from, int8_t* low, int8_t* high, uint8_t minus = 0) {
    const auto b = hn::LoadU(u8, from), less = hn::Set(u8, minus);
    const hn::RebindToSigned<Bytes> i8;
    hn::StoreU(hn::BitCast(i8, hn::Sub(hn::And(b, hn::Set(u8, 15)), less)), i8, low);
    hn::StoreU(hn::BitCast(i8, hn::Sub(hn::ShiftRight<4>(b), less)), i8, high);
}

/// The same through the codes of iq4.
HWY_INLINE void Codes(const uint8_t* from, int8_t* low, int8_t* high) {
    const hn::RebindToSigned<Bytes> i8;
    const auto code = hn::LoadU(i8, core::iq4_code), b = hn::BitCast(i8, hn::LoadU(u8, from));
    hn::StoreU(hn::TableLookupBytes(code, hn::And(b, hn::Set(i8, 15))), i8, low);
    hn::StoreU(hn::TableLookupBytes(code, hn::BitCast(i8, hn::ShiftRight<4>(hn::BitCast(u8, b)))), i8, high);
}

/// Adds 16 times bit i of 32 to number i, less `minus`.
HWY_INLINE void FifthBits(const uint8_t* bits, int8_t* q, uint8_t minus = 0) {
    const hn::RebindToSigned<Bytes> i8;
    const auto less = hn::Set(u8, minus);
    for (int half = 0; half < 2; ++half) {
        const auto low = hn::BitCast(u8, hn::LoadU(i8, q + 16 * half));
        uint8_t room[8] = {bits[2 * half], bits[2 * half + 1]};  // as many as LoadMaskBits may read
        const auto top = hn::IfThenElseZero(hn::LoadMaskBits(u8, room), hn::Set(u8, 16));
        hn::StoreU(hn::BitCast(i8, hn::Sub(hn::Or(low, top), less)), i8, q + 16 * half);
    }
}

template <class Element>
struct PlainFormat {
    static constexpr int kBlock = 32, kBytes = 32 * int(sizeof(Element));
    static constexpr bool kOneScale = false;
    struct State {};
    static HWY_INLINE void Open(const uint8_t*, State&) {}
    static HWY_INLINE Vec Weight(const uint8_t* block, const State&, int i) {
        const Element* from = reinterpret_cast<const Element*>(block) + i;
        if constexpr (std::is_same_v<Element, float>) return hn::LoadU(f32, from);
        else if constexpr (std::is_same_v<Element, hwy::float16_t>) return LoadHalves(f32, reinterpret_cast<const uint16_t*>(from));
        else return hn::PromoteTo(f32, hn::LoadU(hn::Rebind<Element, F32>(), from));
    }
};

struct Q8_0 {
    static constexpr int kBlock = 32, kBytes = 34;
    static constexpr bool kOneScale = true;
    struct State {};
    static HWY_INLINE void Open(const uint8_t*, State&) {}
    static HWY_INLINE Vec Number(const uint8_t* block, const State&, int i) {
        return Numbers(reinterpret_cast<const int8_t*>(block + 2 + i));
    }
    static HWY_INLINE Vec Scale(const uint8_t* block) { return HalfAt(block); }
    static HWY_INLINE Vec Weight(const uint8_t* block, const State& s, int i) {
        return hn::Mul(Number(block, s, i), Scale(block));
    }
};

struct SmallBlock {  // 32 numbers, d at the front
    static constexpr int kBlock = 32;
    static constexpr bool kOneScale = true;
    struct State {
        alignas(32) int8_t q[32];
    };
    static HWY_INLINE Vec Number(const uint8_t*, const State& s, int i) { return Numbers(s.q + i); }
    static HWY_INLINE Vec Scale(const uint8_t* block) { return HalfAt(block); }
    static HWY_INLINE Vec Weight(const uint8_t* block, const State& s, int i) {
        return hn::Mul(Number(block, s, i), Scale(block));
    }
};

struct SmallBlockWithMin : SmallBlock {  // ... and m behind it
    static constexpr bool kOneScale = false;
    static HWY_INLINE Vec Weight(const uint8_t* block, const State& s, int i) {
        return hn::MulAdd(Numbers(s.q + i), HalfAt(block), HalfAt(block + 2));
    }
};

struct Q4_0 : SmallBlock {
    static constexpr int kBytes = 18;
    static HWY_INLINE void Open(const uint8_t* block, State& s) { Nibbles(block + 2, s.q, s.q + 16, 8); }
};
struct Q5_0 : SmallBlock {
    static constexpr int kBytes = 22;
    static HWY_INLINE void Open(const uint8_t* block, State& s) {
        Nibbles(block + 6, s.q, s.q + 16), FifthBits(block + 2, s.q, 16);
    }
};
struct Iq4Nl : SmallBlock {
    static constexpr int kBytes = 18;
    static HWY_INLINE void Open(const uint8_t* block, State& s) { Codes(block + 2, s.q, s.q + 16); }
};
struct Q4_1 : SmallBlockWithMin {
    static constexpr int kBytes = 20;
    static HWY_INLINE void Open(const uint8_t* block, State& s) { Nibbles(block + 4, s.q, s.q + 16); }
};
struct Q5_1 : SmallBlockWithMin {
    static constexpr int kBytes = 24;
    static HWY_INLINE void Open(const uint8_t* block, State& s) {
        Nibbles(block + 8, s.q, s.q + 16), FifthBits(block + 4, s.q);
    }
};

struct BigBlock {  // 256 numbers in sub-blocks of 32 with a scale each
    static constexpr int kBlock = 256;
    static constexpr bool kOneScale = false;
    struct State {
        alignas(32) int8_t q[256];
        alignas(32) float scale[16], offset[8];
    };
};

struct BigBlockWithMin : BigBlock {  // d, dmin, 12 bytes of scales
    static HWY_INLINE void OpenScales(const uint8_t* block, State& s) {
        uint32_t a, b, c;
        std::memcpy(&a, block + 4, 4), std::memcpy(&b, block + 8, 4), std::memcpy(&c, block + 12, 4);
        const uint32_t scale[2] = {a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 6 & 0x03030303) << 4};
        const uint32_t min[2] = {b & 0x3f3f3f3f, (c >> 4 & 0x0f0f0f0f) | (b >> 6 & 0x03030303) << 4};
        const hn::CappedTag<float, 8> f8;
        const hn::RebindToSigned<decltype(f8)> i32;
        const hn::Rebind<uint8_t, decltype(f8)> bytes;
        const auto d = hn::Set(f8, hn::GetLane(HalfAt(block))), m = hn::Set(f8, -hn::GetLane(HalfAt(block + 2)));
        const auto numbers = [&](const uint32_t* words, size_t j) {
            const uint8_t* at = reinterpret_cast<const uint8_t*>(words) + j;
            return hn::ConvertTo(f8, hn::PromoteTo(i32, hn::LoadU(bytes, at)));
        };
        for (size_t j = 0; j < 8; j += hn::MaxLanes(f8)) {
            hn::StoreU(hn::Mul(d, numbers(scale, j)), f8, s.scale + j);
            hn::StoreU(hn::Mul(m, numbers(min, j)), f8, s.offset + j);
        }
    }
    static HWY_INLINE Vec Weight(const uint8_t*, const State& s, int i) {
        return hn::MulAdd(Numbers(s.q + i), hn::Set(f32, s.scale[i / 32]), hn::Set(f32, s.offset[i / 32]));
    }
};

struct Q4_K : BigBlockWithMin {
    static constexpr int kBytes = 144;
    static HWY_INLINE void Open(const uint8_t* block, State& s) {
        OpenScales(block, s);
        for (int b = 0; b < 128; b += 16) {
            int8_t* to = s.q + b / 32 * 64 + b % 32;
            Nibbles(block + 16 + b, to, to + 32);
        }
    }
};

struct Q5_K : BigBlockWithMin {
    static constexpr int kBytes = 176;
    static HWY_INLINE void Open(const uint8_t* block, State& s) {
        OpenScales(block, s);
        const hn::RebindToSigned<Bytes> i8;
        const auto low = hn::Set(u8, 15), top = hn::Set(u8, 16);
        for (int l = 0; l < 32; l += 16) {
            auto bits = hn::LoadU(u8, block + 16 + l);  // of sub-block j at bit 0
            for (int pair = 0; pair < 4; ++pair) {
                const auto b = hn::LoadU(u8, block + 48 + 32 * pair + l);
                int8_t* to = s.q + 64 * pair + l;
                const auto even = hn::Or(hn::And(b, low), hn::And(hn::ShiftLeft<4>(bits), top));
                const auto odd = hn::Or(hn::ShiftRight<4>(b), hn::And(hn::ShiftLeft<3>(bits), top));
                hn::StoreU(hn::BitCast(i8, even), i8, to), hn::StoreU(hn::BitCast(i8, odd), i8, to + 32);
                bits = hn::ShiftRight<2>(bits);
            }
        }
    }
};

struct Q6_K : BigBlock {
    static constexpr int kBytes = 210;
    static HWY_INLINE void Open(const uint8_t* block, State& s) {
        const Vec d = HalfAt(block + 208);
        for (int j = 0; j < 16; j += int(kLanes))
            hn::StoreU(hn::Mul(d, Numbers(reinterpret_cast<const int8_t*>(block + 192 + j))), f32, s.scale + j);
        const hn::RebindToSigned<Bytes> i8;
        const auto low = hn::Set(u8, 15), two = hn::Set(u8, 0x30), less = hn::Set(u8, 32);
        const auto put = [&](auto nibble, auto bits, int8_t* to) HWY_ATTR {
            hn::StoreU(hn::BitCast(i8, hn::Sub(hn::Or(nibble, hn::And(bits, two)), less)), i8, to);
        };
        for (int half = 0; half < 2; ++half)
            for (int l = 0; l < 32; l += 16) {
                const auto a = hn::LoadU(u8, block + 64 * half + l), b = hn::LoadU(u8, block + 64 * half + 32 + l);
                const auto bits = hn::LoadU(u8, block + 128 + 32 * half + l);
                int8_t* to = s.q + 128 * half + l;
                put(hn::And(a, low), hn::ShiftLeft<4>(bits), to), put(hn::And(b, low), hn::ShiftLeft<2>(bits), to + 32);
                put(hn::ShiftRight<4>(a), bits, to + 64), put(hn::ShiftRight<4>(b), hn::ShiftRight<2>(bits), to + 96);
            }
    }
    static HWY_INLINE Vec Weight(const uint8_t*, const State& s, int i) {
        return hn::Mul(Numbers(s.q + i), hn::Set(f32, s.scale[i / 16]));
    }
};

struct Iq4Xs : BigBlock {
    static constexpr int kBytes = 136;
    static HWY_INLINE void OpenScales(const uint8_t* block, State& s) {
        uint32_t low, high = block[2] | uint32_t(block[3]) << 8;
        std::memcpy(&low, block + 4, 4);
        const hn::CappedTag<float, 8> f8;
        const hn::RebindToUnsigned<decltype(f8)> u32;
        const hn::RebindToSigned<decltype(f8)> i32;
        const auto d = hn::Set(f8, hn::GetLane(HalfAt(block)));
        for (uint32_t j = 0; j < 8; j += uint32_t(hn::MaxLanes(f8))) {
            const auto at = hn::Iota(u32, j), twice = hn::Add(at, at);
            const auto four = hn::And(hn::Shr(hn::Set(u32, low), hn::Add(twice, twice)), hn::Set(u32, 15));
            const auto two = hn::And(hn::Shr(hn::Set(u32, high), twice), hn::Set(u32, 3));
            const auto six = hn::BitCast(i32, hn::Or(four, hn::ShiftLeft<4>(two)));
            hn::StoreU(hn::Mul(d, hn::ConvertTo(f8, hn::Sub(six, hn::Set(i32, 32)))), f8, s.scale + j);
        }
    }
    static HWY_INLINE void Open(const uint8_t* block, State& s) {
        OpenScales(block, s);
        for (int j = 0; j < 8; ++j) Codes(block + 8 + 16 * j, s.q + 32 * j, s.q + 32 * j + 16);
    }
    static HWY_INLINE Vec Weight(const uint8_t*, const State& s, int i) {
        return hn::Mul(Numbers(s.q + i), hn::Set(f32, s.scale[i / 32]));
    }
};

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
