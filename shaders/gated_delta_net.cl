// GATED_DELTA_NET, exact path, for devices whose vectors are wide and whose work-items are expensive: CPUs.
// Equation, shapes and slots: rewind/ops/gated_delta_net.h.
//
// One work-item owns COLS value columns of one head's state, kept in private memory for all its tokens:
//
//   m = e^g S^T k        r = e^g S^T q        in one pass over the state of before the token
//   d = beta (v - m)     o = scale (r + (k . q) d)
//   S <- e^g S + k d^T   in a second pass, which also writes the snapshot
//
// so the state is read once a call and written once a kept token. Rows are normalised by scaling the sums.
//
// Tunables: COLS columns a work-item (divides S_v, 1 2 4 8), WIDTH floats of a vector (8 or 16). WIDTH fixes the sum tree.
// Constants: S_K, CHANNEL, TYPE. Work: one item a work-group; groups S_v / COLS, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"

#define CHUNKS (S_K / WIDTH)
#define VEC RW_JOIN(float, WIDTH)
#define LOAD(p, i) RW_JOIN(vload, WIDTH)(i, p)
#define STORE(x, i, p) RW_JOIN(vstore, WIDTH)(x, i, p)
#define ROW(p, i) RW_JOIN(rw_at, WIDTH)(p, i)
#define SUM RW_JOIN(rw_sum, WIDTH)

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gated_delta_net(RW_KERNEL_ARGS, int t0, int t1) {
    const int j0 = (int)get_group_id(0) * COLS, h = (int)get_group_id(1), b = (int)get_group_id(2);
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    t1 = min(t1, s.n);
    if (slot < 0 || t0 >= t1) return;

    const int K = block->p.K, order = block->p.order, hk = RW_K_HEAD(h);
    const float eps = block->p.l2norm_eps, scale = block->p.scale;
    const long head = ((long)h * block->p.S_v + j0) * S_K;
    const int last = rw_final_slot(K, order);
    __global const float* from = (t0 == 0 ? RW_STATE(s, slot) : RW_STATE_OUT(s, last)) + head;
    VEC S[COLS][CHUNKS];
    for (int c = 0; c < COLS; ++c)
        for (int i = 0; i < CHUNKS; ++i) S[c][i] = LOAD(from, c * CHUNKS + i);

    for (int t = t0; t < t1; ++t) {
        __global const rw_elem *k = RW_K(s, b, t, hk), *q = RW_Q(s, b, t, hk), *v = RW_V(s, t, h);
        VEC m[COLS], r[COLS], kq = 0.0f, kk = 0.0f, qq = 0.0f;
        for (int c = 0; c < COLS; ++c) m[c] = r[c] = 0.0f;
#if CHANNEL
        VEC decay[CHUNKS];
#else
        const float decay = rw_exp(RW_LOG_DECAY(s, t, h, 0));
#endif
        for (int i = 0; i < CHUNKS; ++i) {
            const VEC ki = ROW(k, i), qi = ROW(q, i);
            kq = fma(ki, qi, kq), kk = fma(ki, ki, kk), qq = fma(qi, qi, qq);
#if CHANNEL
            decay[i] = RW_JOIN(rw_exp, WIDTH)(RW_LOG_DECAYS(WIDTH, s, t, h, i));
            const VEC dk = decay[i] * ki, dq = decay[i] * qi;
#else
            const VEC dk = ki, dq = qi;
#endif
            for (int c = 0; c < COLS; ++c) m[c] = fma(S[c][i], dk, m[c]), r[c] = fma(S[c][i], dq, r[c]);
        }
        const float by_k = rw_inverse_norm(SUM(kk), eps), by_q = rw_inverse_norm(SUM(qq), eps);
        const float both = SUM(kq) * by_k * by_q, beta = RW_BETA(s, t, h);
#if CHANNEL
        const float m_scale = by_k, r_scale = by_q;
#else
        const float m_scale = decay * by_k, r_scale = decay * by_q;
#endif
        float d[COLS];
        __global float* out = RW_OUT(s, t, h);
        for (int c = 0; c < COLS; ++c) {
            const float delta = beta * (rw_at(v, j0 + c) - m_scale * SUM(m[c]));
            out[j0 + c] = scale * fma(both, delta, r_scale * SUM(r[c]));
            d[c] = delta * by_k;
        }
        int kept = rw_kept_slot(t, s.n, K, order);
        if (t == t1 - 1 && kept < 0) kept = last;  // for the next dispatch
#if CHANNEL
#define DECAY(i) decay[i]
#else
#define DECAY(i) decay
#endif
        if (kept < 0) {
            for (int i = 0; i < CHUNKS; ++i) {
                const VEC ki = ROW(k, i);
                for (int c = 0; c < COLS; ++c) S[c][i] = fma(ki, (VEC)d[c], DECAY(i) * S[c][i]);
            }
        } else {
            __global float* to = RW_STATE_OUT(s, kept) + head;
            for (int i = 0; i < CHUNKS; ++i) {
                const VEC ki = ROW(k, i);
                for (int c = 0; c < COLS; ++c) {
                    S[c][i] = fma(ki, (VEC)d[c], DECAY(i) * S[c][i]);
                    STORE(S[c][i], c * CHUNKS + i, to);
                }
            }
        }
    }
}
