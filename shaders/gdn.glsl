// What the gated delta kernels share: constants, token rows of q, k, v, the gates. Needs block.glsl, then
// QKV_TYPE is declared here for load.glsl; define GDN_VEC4 for kernels that fetch q and k in fours.
#ifndef REWIND_GDN_GLSL
#define REWIND_GDN_GLSL

layout(constant_id = 10) const int S_k = 128;
layout(constant_id = 11) const int S_v = 128;
layout(constant_id = 12) const int CHANNEL = 0;   // 1: a gate per key channel
layout(constant_id = 13) const int QKV_TYPE = 0;  // RW_F32 | RW_F16 | RW_BF16

#include "load.glsl"
#include "math.glsl"
#include "slots.glsl"

#ifdef GDN_VEC4
TYPED_IN4(q)
TYPED_IN4(k)
#else
TYPED_IN(q)
TYPED_IN(k)
#endif
TYPED_IN(v)
TENSOR_IN(g)
TENSOR_IN(beta)
TENSOR_IN(dt_bias)
TENSOR_IN(a)

int key_head(int h) { return p.heads == RW_HEADS_TILED ? h % p.H_k : h / (p.H_v / p.H_k); }

/* Rows of token t of sequence s, number b of the call. */
Place q_row(Sequence s, int b, int h, int t) {
    const Place batch = skip_typed(start(RW_ARG_q), p.packed != 0 ? 0 : b % p.B_q, p.q_b);
    return skip_typed(skip_typed(batch, s.token + t, p.q_t), key_head(h), p.q_h);
}
Place k_row(Sequence s, int b, int h, int t) {
    const Place batch = skip_typed(start(RW_ARG_k), p.packed != 0 ? 0 : b % p.B_k, p.k_b);
    return skip_typed(skip_typed(batch, s.token + t, p.k_t), key_head(h), p.k_h);
}
Place v_row(Sequence s, int h, int t) {
    return skip_typed(skip_typed(skip_typed(start(RW_ARG_v), s.b, p.v_b), s.token + t, p.v_t), h, p.v_h);
}
Place o_row(Sequence s, int h, int t) {
    return skip(skip(skip(start(RW_ARG_out), s.b, p.o_b), s.token + t, p.o_t), h, p.o_h);
}

/* Log decay of key channel i (0 when the gate is scalar). */
float log_decay(Sequence s, int h, int t, uint i) {
    const Place row = skip(skip(skip(start(RW_ARG_g), s.b, p.g_b), s.token + t, p.g_t), h, p.g_h);
    precise float x = g_get(row, i);
    if (p.raw_gates == 0) return x;
    x = x + dt_bias_get(skip(start(RW_ARG_dt_bias), h, p.dt_h), i);
    x = softplus_(x) * a_get(start(RW_ARG_a), uint(h));
    return x;
}
float step_size(Sequence s, int h, int t) {
    const Place row = skip(skip(skip(start(RW_ARG_beta), s.b, p.beta_b), s.token + t, p.beta_t), h, p.beta_h);
    const float x = beta_get(row, 0);
    return p.raw_gates == 0 ? x : sigmoid_(x);
}

#endif
