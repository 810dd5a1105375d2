// GATED_DELTA_NET, exact path, for devices whose vectors are wide and whose work-items are expensive: CPUs.
// Equation, shapes and slots: rewind/ops/gated_delta_net.h.
//
// One work-item owns COLS value columns of one head's state, kept in private memory for all its tokens:
//
//   m = e^g S^T k        r = e^g S^T q        in one pass over the state of before the token
//   d = beta (v - m)     o = scale (r + (k . q) d)
//   S <- e^g S + k d^T   in a second pass, which also writes the snapshot
//
// so the state is read once a call and written once a kept token. Rows are normalised by scaling the sums. What depends
// on the token alone is computed once for all columns, then four columns at a time are taken through both passes.
//
// Tunables: COLS columns a work-item (a multiple of 4, divides S_v), WIDTH floats of a vector (8 or 16). WIDTH fixes the
// sum tree. Constants: S_K, CHANNEL, TYPE. Work: one item a work-group; groups S_v / COLS, H_v, B.
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
#define SUMS RW_JOIN(rw_sums, WIDTH)
#if CHANNEL
#define DECAY(i) decay[i]
#else
#define DECAY(i) decay
#endif

/* Sums over the channels of four columns with k, then with q, in the order of the columns. */
static float8 probe(const VEC (*S)[CHUNKS], const VEC* k, const VEC* q) {
    VEC sum[8];
    RW_UNROLL for (int c = 0; c < 4; c += 2) {  // two at a time: what fits into the registers of most CPUs
        VEC a = 0.0f, b = 0.0f, x = 0.0f, y = 0.0f;
        for (int i = 0; i < CHUNKS; ++i) {
            a = fma(S[c][i], k[i], a), b = fma(S[c + 1][i], k[i], b);
            x = fma(S[c][i], q[i], x), y = fma(S[c + 1][i], q[i], y);
        }
        sum[c] = a, sum[c + 1] = b, sum[c + 4] = x, sum[c + 5] = y;
    }
    return SUMS(sum);
}

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
        __global float* out = RW_OUT(s, t, h);
        VEC key[CHUNKS], dk[CHUNKS], dq[CHUNKS], kq = 0.0f, kk = 0.0f, qq = 0.0f;
#if CHANNEL
        VEC decay[CHUNKS];
#else
        const float decay = rw_exp(RW_LOG_DECAY(s, t, h, 0));
#endif
        for (int i = 0; i < CHUNKS; ++i) {
            const VEC ki = ROW(k, i), qi = ROW(q, i);
            kq = fma(ki, qi, kq), kk = fma(ki, ki, kk), qq = fma(qi, qi, qq);
            key[i] = ki;
#if CHANNEL
            decay[i] = RW_JOIN(rw_exp, WIDTH)(RW_LOG_DECAYS(WIDTH, s, t, h, i));
            dk[i] = decay[i] * ki, dq[i] = decay[i] * qi;
#else
            dk[i] = ki, dq[i] = qi;
#endif
        }
        const float by_k = rw_inverse_norm(SUM(kk), eps), by_q = rw_inverse_norm(SUM(qq), eps);
        const float both = SUM(kq) * by_k * by_q, beta = RW_BETA(s, t, h);
#if CHANNEL
        const float m_scale = by_k, r_scale = by_q;
#else
        const float m_scale = decay * by_k, r_scale = decay * by_q;
#endif
        int kept = rw_kept_slot(t, s.n, K, order);
        if (t == t1 - 1 && kept < 0) kept = last;  // for the next dispatch
        __global float* to = RW_STATE_OUT(s, max(kept, 0)) + head;
        for (int c0 = 0; c0 < COLS; c0 += 4) {
            const float8 sum = probe(S + c0, dk, dq);
            const float4 delta = beta * (rw_at4(v + j0 + c0, 0) - m_scale * sum.lo);
            vstore4(scale * fma((float4)both, delta, r_scale * sum.hi), 0, out + j0 + c0);
            const float4 scaled = delta * by_k;
            float d[4];
            vstore4(scaled, 0, d);
            RW_UNROLL for (int n = 0; n < 4; ++n) {
                const int c = c0 + n;
                if (kept < 0) {
                    for (int i = 0; i < CHUNKS; ++i) S[c][i] = fma(key[i], (VEC)d[n], DECAY(i) * S[c][i]);
                } else {
                    for (int i = 0; i < CHUNKS; ++i) {
                        S[c][i] = fma(key[i], (VEC)d[n], DECAY(i) * S[c][i]);
                        STORE(S[c][i], c * CHUNKS + i, to);
                    }
                }
            }
        }
    }
}
