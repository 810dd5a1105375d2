// Scalar building blocks of the gated delta ops for any CPU: one token's inputs, and one token's step on a head's state.
// The arithmetic is token-sequential: the same bits whatever the tokens' grouping into calls.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/convert.h"
#include "cpu/sequences.h"
#include "rewind/ops/gated_delta_net.h"

namespace rw::cpu {

/// Pointers of a gated delta call, taken from its argument indices.
struct GdnInputs {
    const void *q, *k, *v;
    const float *g, *beta, *dt_bias, *a;
    float* out;
};

/// Element `at` of a q, k or v tensor as f32.
inline float element(const void* base, int64_t at, int type) {
    if (type == RW_F32) return static_cast<const float*>(base)[at];
    const uint16_t bits = static_cast<const uint16_t*>(base)[at];
    return type == RW_F16 ? core::from_half(bits) : core::from_bfloat(bits);
}

/// A q or k row as f32, normalised when eps > 0.
inline void plain_row(float* to, const void* base, int64_t at, int n, int type, float eps) {
    float norm = 0;
    for (int i = 0; i < n; ++i) to[i] = element(base, at + i, type), norm += to[i] * to[i];
    if (eps <= 0) return;
    const float by = 1 / std::max(std::sqrt(norm), eps);
    for (int i = 0; i < n; ++i) to[i] *= by;
}

/// One token of one head: q, k and log decay rows (S_k each) in caller's memory, beta.
struct PlainToken {
    float *q, *k, *g;
    float beta;

    template <class Params>
    void load(const GdnInputs& in, const Params& p, const Sequence& s, int b, int h, int64_t t) {
        const int kh = p.heads == RW_HEADS_TILED ? h % p.H_k : h / (p.H_v / p.H_k);
        const int64_t row = s.token + t;
        plain_row(q, in.q, kh * int64_t(p.q_h) + row * p.q_t + (b % p.B_q) * int64_t(p.q_b), p.S_k, p.qkv_type,
                  p.l2norm_eps);
        plain_row(k, in.k, kh * int64_t(p.k_h) + row * p.k_t + (b % p.B_k) * int64_t(p.k_b), p.S_k, p.qkv_type,
                  p.l2norm_eps);
        beta = in.beta[h * int64_t(p.beta_h) + row * p.beta_t + s.b * p.beta_b];
        if (p.raw_gates) beta = 1 / (1 + std::exp(-beta));
        const float* from = in.g + h * int64_t(p.g_h) + row * p.g_t + s.b * p.g_b;
        for (int i = 0; i < p.S_k; ++i) {
            const int c = p.gate == 1 ? 0 : i;
            g[i] = from[c];
            if (!p.raw_gates) continue;
            const float x = from[c] + in.dt_bias[h * int64_t(p.dt_h) + c];
            g[i] = (x > 20 ? x : std::log1p(std::exp(x))) * in.a[h];
        }
    }
};

/// S <- exp(g) S; d = beta (v - S^T k); S <- S + k d^T; out = scale S^T q. `delta` (S_v) receives d when not null.
template <class Params>
void plain_step(float* S, const PlainToken& x, const GdnInputs& in, const Params& p, const Sequence& s, int h, int64_t t,
                float* decay, float* delta) {
    const int64_t row = s.token + t, v = h * int64_t(p.v_h) + row * p.v_t + s.b * p.v_b;
    float* out = in.out + h * int64_t(p.o_h) + row * p.o_t + s.b * p.o_b;
    for (int i = 0; i < p.S_k; ++i) decay[i] = std::exp(x.g[i]);
    for (int j = 0; j < p.S_v; ++j) {
        float* column = S + int64_t(j) * p.S_k;
        float m = 0, o = 0;
        for (int i = 0; i < p.S_k; ++i) column[i] *= decay[i], m += column[i] * x.k[i];
        const float d = x.beta * (element(in.v, v + j, p.qkv_type) - m);
        for (int i = 0; i < p.S_k; ++i) column[i] += x.k[i] * d, o += column[i] * x.q[i];
        out[j] = p.scale * o;
        if (delta) delta[j] = d;
    }
}

/// S <- exp(g) S + k d^T, as plain_step does it.
template <class Params>
void plain_replay(float* S, const float* k, const float* d, const float* g, const Params& p, float* decay) {
    for (int i = 0; i < p.S_k; ++i) decay[i] = std::exp(g[p.gate == 1 ? 0 : i]);
    for (int j = 0; j < p.S_v; ++j)
        for (int i = 0; i < p.S_k; ++i) {
            float& e = S[int64_t(j) * p.S_k + i];
            e *= decay[i], e += k[i] * d[j];
        }
}

}  // namespace rw::cpu
