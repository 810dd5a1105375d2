// Elementary functions and reductions on Highway vectors, shared by all CPU kernels so that they agree bit for bit.
// Included once per target: no #pragma once.
#if defined(REWIND_CPU_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_MATH_INL_H
#undef REWIND_CPU_MATH_INL_H
#else
#define REWIND_CPU_MATH_INL_H
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// All of a vector, 16 lanes at most: head sizes are multiples of 16.
using F32 = hn::CappedTag<float, 16>;
using F32x4 = hn::CappedTag<float, 4>;
using Vec = hn::Vec<F32>;
constexpr F32 f32;
constexpr F32x4 f32x4;
constexpr int64_t kLanes = int64_t{hn::MaxLanes(F32())};

/// Halves, as whole numbers of 16 bits, to f32. Where Highway emulates the conversion, infinity and NaN come out as
/// numbers: there in whole numbers.
template <class D, class V>
HWY_INLINE hn::Vec<D> FromHalves(D d, V halves) {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_SSE2
    const hn::RebindToUnsigned<D> u;
    const hn::RebindToSigned<D> i;
    const auto bits = hn::PromoteTo(u, halves);
    const auto magnitude = hn::And(bits, hn::Set(u, 0x7fff)), wide = hn::ShiftLeft<13>(magnitude);
    const auto small = hn::Mul(hn::ConvertTo(d, hn::BitCast(i, magnitude)), hn::Set(d, 0x1p-24f));
    const auto below = [&](int32_t limit) {
        const auto less = hn::VecFromMask(i, hn::Lt(hn::BitCast(i, magnitude), hn::Set(i, limit)));
        return hn::MaskFromVec(hn::BitCast(d, less));
    };
    const auto exponent = [&](uint32_t more) { return hn::BitCast(d, hn::Add(wide, hn::Set(u, more << 23))); };
    auto value = hn::IfThenElse(below(0x7c00), exponent(112), exponent(224));
    value = hn::IfThenElse(below(0x400), small, value);
    return hn::Or(value, hn::BitCast(d, hn::ShiftLeft<16>(hn::And(bits, hn::Set(u, 0x8000)))));
#else
    return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, D>(), halves));
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> LoadHalves(D d, const uint16_t* from) {
    return FromHalves(d, hn::LoadU(hn::Rebind<uint16_t, D>(), from));
}

/// e^x to 2 ulp: 0 below -87.33 (no subnormals), infinity above 88.72, NaN from NaN.
HWY_INLINE Vec Exp(Vec x) {
    const hn::RebindToSigned<F32> i32;
    const Vec clamped = hn::Min(hn::Max(x, hn::Set(f32, -87.5f)), hn::Set(f32, 89.0f));
    const Vec n = hn::Round(hn::Mul(clamped, hn::Set(f32, 1.44269504f)));
    // ln 2 in two parts, the first with few bits: n times it is exact. |r| <= 0.35.
    const Vec r = hn::NegMulAdd(n, hn::Set(f32, -2.12194440e-4f), hn::NegMulAdd(n, hn::Set(f32, 0.693359375f), clamped));
    Vec y = hn::Set(f32, 1.0f / 5040);  // Taylor: the first term left out is below 6e-9
    for (const float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
        y = hn::MulAdd(y, r, hn::Set(f32, c));
    // 2^n in two factors: n = 128 is still finite times a y below 1.
    const auto whole = hn::ConvertTo(i32, n);
    const auto half = hn::ShiftRight<1>(whole);
    const auto bias = hn::Set(i32, 127);
    const Vec a = hn::BitCast(f32, hn::ShiftLeft<23>(hn::Add(half, bias)));
    const Vec b = hn::BitCast(f32, hn::ShiftLeft<23>(hn::Add(hn::Sub(whole, half), bias)));
    y = hn::Mul(hn::Mul(y, a), b);
    y = hn::IfThenElse(hn::Lt(x, hn::Set(f32, -87.33654f)), hn::Zero(f32), y);
    y = hn::IfThenElse(hn::Gt(x, hn::Set(f32, 88.7228394f)), hn::Inf(f32), y);
    return hn::IfThenElse(hn::IsNaN(x), x, y);
}

/// log(1 + y) for y >= 0.
HWY_INLINE Vec Log1p(Vec y) {
    const hn::RebindToSigned<F32> i32;
    const Vec one = hn::Set(f32, 1.0f), u = hn::Add(one, y);
    // u = 2^e m with m in [sqrt(1/2), sqrt(2))
    const auto offset = hn::Set(i32, 0x3f3504f3);
    const auto e = hn::ShiftRight<23>(hn::Sub(hn::BitCast(i32, u), offset));
    const Vec m = hn::BitCast(f32, hn::Sub(hn::BitCast(i32, u), hn::ShiftLeft<23>(e)));
    const Vec f = hn::Sub(m, one), s = hn::Div(f, hn::Add(hn::Set(f32, 2.0f), f)), s2 = hn::Mul(s, s);
    Vec series = hn::Set(f32, 2.0f / 9);  // log m = 2 atanh s
    for (const float c : {2.0f / 7, 2.0f / 5, 2.0f / 3, 2.0f}) series = hn::MulAdd(series, s2, hn::Set(f32, c));
    const Vec lost = hn::Div(hn::Sub(y, hn::Sub(u, one)), u);  // what rounding 1 + y took away
    return hn::MulAdd(hn::ConvertTo(f32, e), hn::Set(f32, 0.69314718f), hn::MulAdd(series, s, lost));
}

HWY_INLINE Vec Softplus(Vec x) {
    const Vec limit = hn::Set(f32, 20.0f);  // log(1 + e^x) = x from here on
    return hn::IfThenElse(hn::Le(x, limit), Log1p(Exp(x)), x);
}

HWY_INLINE Vec Sigmoid(Vec x) {
    const Vec one = hn::Set(f32, 1.0f);
    return hn::Div(one, hn::Add(one, Exp(hn::Neg(x))));
}

/// Lanes folded in halves down to four.
template <class D, class V>
HWY_INLINE auto Fold(D, V v) {
    if constexpr (hn::MaxLanes(D()) <= 4) {
        return v;
    } else {
        const hn::Half<D> half;
        return Fold(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
    }
}

/// The sums of four vectors' lanes, as four lanes. One fixed order of additions for each of the four.
HWY_INLINE hn::Vec<F32x4> Sums(Vec a, Vec b, Vec c, Vec d) {
    const auto a4 = Fold(f32, a), b4 = Fold(f32, b), c4 = Fold(f32, c), d4 = Fold(f32, d);
    const auto ab = hn::Add(hn::InterleaveLower(f32x4, a4, b4), hn::InterleaveUpper(f32x4, a4, b4));
    const auto cd = hn::Add(hn::InterleaveLower(f32x4, c4, d4), hn::InterleaveUpper(f32x4, c4, d4));
    return hn::Add(hn::ConcatLowerLower(f32x4, cd, ab), hn::ConcatUpperUpper(f32x4, cd, ab));
}

/// Calls f(number, block) for the blocks of four lanes of a vector.
template <int64_t kFirst = 0, class D, class V, class F>
HWY_INLINE void Blocks(D d, V v, const F& f) {
    if constexpr (hn::MaxLanes(D()) <= 4) {
        f(kFirst, v);
    } else {
        const hn::Half<D> half;
        Blocks<kFirst>(half, hn::LowerHalf(half, v), f);
        Blocks<kFirst + int64_t{hn::MaxLanes(D())} / 8>(half, hn::UpperHalf(half, v), f);
    }
}

/// Calls f(lane, the four vectors' elements in that lane) for every lane.
template <class F>
HWY_INLINE void Transpose4(Vec a, Vec b, Vec c, Vec d, const F& f) {
    const hn::RepartitionToWide<F32> pairs;
    const auto pair = [&](Vec x) { return hn::BitCast(pairs, x); };
    const auto ab0 = pair(hn::InterleaveLower(f32, a, b)), ab2 = pair(hn::InterleaveUpper(f32, a, b));
    const auto cd0 = pair(hn::InterleaveLower(f32, c, d)), cd2 = pair(hn::InterleaveUpper(f32, c, d));
    const auto lane = [&](int64_t first, auto x) {
        Blocks(f32, hn::BitCast(f32, x), [&](int64_t block, auto four) { f(block * 4 + first, four); });
    };
    lane(0, hn::InterleaveLower(pairs, ab0, cd0)), lane(1, hn::InterleaveUpper(pairs, ab0, cd0));
    lane(2, hn::InterleaveLower(pairs, ab2, cd2)), lane(3, hn::InterleaveUpper(pairs, ab2, cd2));
}

/// The sum of one vector's lanes, in the same order.
HWY_INLINE float Sum(Vec a) { return hn::GetLane(Sums(a, a, a, a)); }

HWY_INLINE float Dot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t n) {
    Vec sum = hn::Zero(f32);
    for (int64_t i = 0; i < n; i += kLanes) sum = hn::MulAdd(hn::LoadU(f32, a + i), hn::LoadU(f32, b + i), sum);
    return Sum(sum);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
