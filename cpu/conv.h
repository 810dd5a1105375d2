// What the CPU kernels of both causal convolutions share (rewind/ops/causal_conv1d.h): where a token's inputs lie, and
// the scalar kernel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/convert.h"
#include "cpu/parallel.h"
#include "cpu/sequences.h"
#include "rewind/ops/causal_conv1d.h"

namespace rw::cpu {

/// x, weight, bias and out of one sequence.
struct ConvSequence {
    const std::byte* x;  // its first token's row
    int64_t x_row;       // bytes between tokens
    int type, silu;
    const float *weight, *bias;
    float* out;
    int64_t out_row;  // elements between tokens
    int64_t n;

    template <class Params>
    ConvSequence(const Launch& launch, const Params& p, const Sequence& s, int x_arg, int weight_arg, int bias_arg, int out_arg)
        : type(p.x_type), silu(p.silu), weight(launch.at<float>(weight_arg)), bias(launch.at<float>(bias_arg)), out_row(p.o_t), n(s.n) {
        const int64_t element = type == RW_F32 ? 4 : 2;
        x_row = element * p.x_t;
        x = launch.at<std::byte>(x_arg) + s.token * x_row + s.b * element * p.x_b;
        out = launch.at<float>(out_arg) + s.token * out_row + s.b * int64_t(p.o_b);
    }
    float input(int64_t t, int64_t c) const {
        const std::byte* row = x + t * x_row;
        if (type == RW_F32) return reinterpret_cast<const float*>(row)[c];
        const uint16_t bits = reinterpret_cast<const uint16_t*>(row)[c];
        return type == RW_F16 ? core::from_half(bits) : core::from_bfloat(bits);
    }
};

/// One channel: window holds the d_conv - 1 inputs before the call; keep(t, window) is called after every token with
/// the last d_conv - 1 inputs.
template <class Params, class Keep>
void plain_channel(const Params& p, const ConvSequence& s, int64_t c, float (&window)[RW_CONV_MAX_TAPS], const Keep& keep) {
    const int taps = p.d_conv;
    const float* w = s.weight + c * taps;
    for (int64_t t = 0; t < s.n; ++t) {
        window[taps - 1] = s.input(t, c);
        float y = s.bias ? s.bias[c] : 0;
        for (int j = 0; j < taps; ++j) y += w[j] * window[j];
        s.out[t * s.out_row + c] = s.silu ? y / (1 + std::exp(-y)) : y;
        std::copy(window + 1, window + taps, window);
        keep(t, window);
    }
}

/// Calls channels(launch, p, b, begin, end) for blocks of channels of every sequence, on all threads where that pays.
template <class Params>
void conv_tasks(const Launch& launch, void (*channels)(const Launch&, const Params&, int, int64_t, int64_t)) {
    const Params& p = launch.as<Params>();
    const bool small = int64_t(p.C) * p.B * p.T <= 4096;
    const int64_t block = small ? p.C : 512, blocks = (p.C + block - 1) / block;
    for_units(small ? 1 : p.B * blocks, [&](int64_t unit, int64_t) {
        const int64_t last = small ? p.B : unit / blocks + 1, c = unit % blocks * block;
        for (int64_t b = unit / blocks; b < last; ++b) channels(launch, p, int(b), c, std::min<int64_t>(p.C, c + block));
    });
}

}  // namespace rw::cpu
