// GATED_DELTA_NET, exact path, the plainest way: one work-item a value column, one float at a time. For devices whose
// better kernels failed their self-test. Equation, shapes and slots: rewind/ops/gated_delta_net.h.
//
// The column's S_K floats are private. Constants: S_K, CHANNEL, TYPE. Work: 16 items; groups S_v / 16, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"

__kernel void gated_delta_net_basic(RW_KERNEL_ARGS, int t0, int t1) {
    const int j = (int)get_global_id(0), h = (int)get_group_id(1), b = (int)get_group_id(2);
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    t1 = min(t1, s.n);
    if (slot < 0 || t0 >= t1) return;

    const int K = block->p.K, order = block->p.order, hk = RW_K_HEAD(h), last = rw_final_slot(K, order);
    const long column = ((long)h * block->p.S_v + j) * S_K;
    __global const float* from = (t0 == 0 ? RW_STATE(s, slot) : RW_STATE_OUT(s, last)) + column;
    float S[S_K];
    for (int i = 0; i < S_K; ++i) S[i] = from[i];

    for (int t = t0; t < t1; ++t) {
        __global const rw_elem *k = RW_K(s, b, t, hk), *q = RW_Q(s, b, t, hk);
        float m = 0.0f, o = 0.0f, kk = 0.0f, qq = 0.0f;
        for (int i = 0; i < S_K; ++i) {
            const float ki = rw_at(k, i), qi = rw_at(q, i);
            kk = fma(ki, ki, kk), qq = fma(qi, qi, qq);
            S[i] *= rw_exp(RW_LOG_DECAY(s, t, h, CHANNEL ? i : 0));
            m = fma(S[i], ki, m);
        }
        const float by_k = rw_inverse_norm(kk, block->p.l2norm_eps), by_q = rw_inverse_norm(qq, block->p.l2norm_eps);
        const float d = RW_BETA(s, t, h) * (rw_at(RW_V(s, t, h), j) - by_k * m) * by_k;
        for (int i = 0; i < S_K; ++i) {
            S[i] = fma(rw_at(k, i), d, S[i]);
            o = fma(S[i], rw_at(q, i), o);
        }
        RW_OUT(s, t, h)[j] = block->p.scale * by_q * o;
        int kept = rw_kept_slot(t, s.n, K, order);
        if (t == t1 - 1 && kept < 0) kept = last;  // for the next dispatch
        if (kept < 0) continue;
        __global float* to = RW_STATE_OUT(s, kept) + column;
        for (int i = 0; i < S_K; ++i) to[i] = S[i];
    }
}
