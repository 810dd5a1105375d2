// ROPE on the CPU. Equation, shapes and how angles are computed: rewind/ops/rope.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: lanes are neighbouring pairs
// cpu:plain                  scalar C++ for any CPU
//
// A token's sines and cosines are made once, by the same scalar code in all of them, and then used for all its heads.
#include "rewind/ops/rope.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/rope.cpp"
#include <hwy/foreach_target.h>

#include <cstring>

#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_ROPE_TOKENS
#define REWIND_CPU_ROPE_TOKENS
namespace rw::cpu {

/// Rotates the pairs (i, i + pairs) of one row.
using RopeTurn = void (*)(const float* x, float* out, const float* cosine, const float* sine, int64_t pairs);
/// All tokens of the call.
void rope_tokens(const Launch& launch, RopeTurn turn);

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void RopePairs(const float* x, float* out, const float* cosine, const float* sine, int64_t pairs) {
    for (int64_t i = 0; i < pairs; i += kLanes) {
        const Vec a = LoadOf(x, i, pairs), b = LoadOf(x + pairs, i, pairs);
        const Vec c = LoadOf(cosine, i, pairs), s = LoadOf(sine, i, pairs);
        StoreOf(hn::MulSub(a, c, hn::Mul(b, s)), out, i, pairs);
        StoreOf(hn::MulAdd(a, s, hn::Mul(b, c)), out + pairs, i, pairs);
    }
}

void Rope(const Launch& launch) { rope_tokens(launch, RopePairs); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

using namespace ops::rope;

uint64_t high_product(uint64_t a, uint64_t b) {
    const uint64_t al = uint32_t(a), ah = a >> 32, bl = uint32_t(b), bh = b >> 32;
    const uint64_t middle = (al * bl >> 32) + uint32_t(ah * bl) + uint32_t(al * bh);
    return ah * bh + (ah * bl >> 32) + (al * bh >> 32) + (middle >> 32);
}

/// Turns that each pair makes for one position, in units of 2^-64.
void frequencies(const Params& p, uint64_t* frequency) {
    const uint64_t ratio = uint64_t(uint32_t(p.ratio_high)) << 32 | uint32_t(p.ratio_low);
    for (int pair = 0; pair < p.half_dims; ++pair) {
        uint64_t f = uint64_t{RW_ROPE_TURN_HIGH} << 32 | RW_ROPE_TURN_LOW, power = ratio;
        for (int bits = pair; bits; bits >>= 1, power = high_product(power, power))
            if (bits & 1) f = high_product(f, power);
        frequency[pair] = f;
    }
}

/// Sine and cosine of turn / 2^32 turns: of what is left of the nearest quarter, at most an eighth of a turn.
void sine_cosine(uint32_t turn, float& sine, float& cosine) {
    const uint32_t quarter = (turn + 0x20000000u) >> 30;
    const float x = float(int32_t(turn - (quarter << 30))) * RW_ROPE_RADIANS, z = x * x;
    const float s = x + x * z * (-1.0f / 6 + z * (1.0f / 120 + z * (-1.0f / 5040 + z * (1.0f / 362880))));
    const float c = 1 + z * (-0.5f + z * (1.0f / 24 + z * (-1.0f / 720 + z * (1.0f / 40320 - z * (1.0f / 3628800)))));
    sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
    cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}

/// Which of a token's positions a pair takes.
int plane_of(const Params& p, int pair) {
    if (p.P == 1) return 0;
    const int plane = pair % 3, section = plane == 0 ? p.section_t : plane == 1 ? p.section_h : p.section_w;
    return pair < 3 * section ? plane : p.P == 4 ? 3 : 0;
}

void plain_pairs(const float* x, float* out, const float* cosine, const float* sine, int64_t pairs) {
    for (int64_t i = 0; i < pairs; ++i) {
        const float a = x[i], b = x[i + pairs];
        out[i] = a * cosine[i] - b * sine[i];
        out[i + pairs] = a * sine[i] + b * cosine[i];
    }
}

void plain(const Launch& launch) { rope_tokens(launch, plain_pairs); }

}  // namespace

void rope_tokens(const Launch& launch, RopeTurn turn) {
    const Params& p = launch.as<Params>();
    const int64_t tokens = int64_t(p.T) * p.B, pairs = p.half_dims;
    uint64_t frequency[RW_ROPE_MAX_DIMS / 2];
    frequencies(p, frequency);
    for_units(tokens, [&](int64_t unit) {
        const int64_t t = unit % p.T, b = unit / p.T;
        const int32_t* pos = launch.at<const int32_t>(arg::pos) + b * p.pos_b + t;
        if (pos[0] < 0) return;
        for (int64_t plane = 1; plane < p.P; ++plane)
            if (pos[plane * p.T] < 0) return launch.raise(RW_FAULT_POS);
        float cosine[RW_ROPE_MAX_DIMS / 2], sine[RW_ROPE_MAX_DIMS / 2];
        for (int pair = 0; pair < pairs; ++pair) {
            const uint64_t position = uint64_t(pos[int64_t(plane_of(p, pair)) * p.T]);
            sine_cosine(uint32_t(position * frequency[pair] >> 32), sine[pair], cosine[pair]);
        }
        const float* x = launch.at<const float>(arg::x) + t * p.x_t + b * p.x_b;
        float* out = launch.at<float>(arg::out) + t * p.o_t + b * p.o_b;
        for (int64_t h = 0; h < p.H; ++h, x += p.x_h, out += p.o_h) {
            turn(x, out, cosine, sine, pairs);
            if (p.units > pairs) std::memcpy(out + 2 * pairs, x + 2 * pairs, size_t(p.D - 2 * pairs) * sizeof(float));
        }
    }, tokens * p.H * p.D);
}

std::vector<Kernel> rope_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(Rope, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
