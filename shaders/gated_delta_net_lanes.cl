// GATED_DELTA_NET, exact path, for GPUs. Equation, shapes and slots: rewind/ops/gated_delta_net.h.
//
// LANES work-items, a cluster, own COLS value columns of one head's state in registers for all tokens: lane l holds the
// float4 l, l + LANES, ... of each column, so that a cluster reads whole cache lines. Per token, as in
// gated_delta_net.cl:
//
//   m = e^g S^T k        r = e^g S^T q        partial sums of a lane, then over the cluster (lanes.clh)
//   d = beta (v - m)     o = scale (r + (k . q) d)
//   S <- e^g S + k d^T
//
// The state is read once a call and written once a kept token. |k|^2 and |q|^2 are summed along when rows are normalised.
//
// Tunables: COLS columns a cluster (1 2 4), CLUSTERS a work-group; both divide S_v together. LANES = 4 for S_k = 16,
// else 8; it fixes the sum tree. Constants: S_K, CHANNEL, TYPE, ALIGNED. Work: CLUSTERS LANES items; groups
// S_v / (CLUSTERS COLS), H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "lanes.clh"

#define PARTS (S_K / (4 * LANES)) /* float4 of a column in one lane */
#define VALUES (2 * COLS + 3)     /* m and r of each column, k.q, |k|^2, |q|^2 */

__kernel __attribute__((reqd_work_group_size(CLUSTERS * LANES, 1, 1)))
void gated_delta_net_lanes(RW_KERNEL_ARGS, int t0, int t1) {
    RW_LANES_LOCAL(VALUES, CLUSTERS);
    const int lane = (int)get_local_id(0) % LANES, cluster = (int)get_local_id(0) / LANES;
    const int j0 = ((int)get_group_id(0) * CLUSTERS + cluster) * COLS;
    const int h = (int)get_group_id(1), b = (int)get_group_id(2);
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    t1 = min(t1, s.n);
    if (slot < 0 || t0 >= t1) return;  // the same for the whole work-group

    const int K = block->p.K, order = block->p.order, hk = RW_K_HEAD(h), last = rw_final_slot(K, order);
    const float eps = block->p.l2norm_eps, scale = block->p.scale;
    const long head = ((long)h * block->p.S_v + j0) * S_K;
    __global const float* from = (t0 == 0 ? RW_STATE(s, slot) : RW_STATE_OUT(s, last)) + head;
    float4 S[COLS][PARTS];
    for (int c = 0; c < COLS; ++c)
        for (int i = 0; i < PARTS; ++i) S[c][i] = rw_load4(from + c * S_K, i * LANES + lane);

    for (int t = t0; t < t1; ++t) {
        __global const rw_elem *k = RW_K(s, b, t, hk), *q = RW_Q(s, b, t, hk);
        float4 key[PARTS], decay[CHANNEL ? PARTS : 1], m[COLS], r[COLS], kq = 0.0f, kk = 0.0f, qq = 0.0f;
        for (int c = 0; c < COLS; ++c) m[c] = r[c] = 0.0f;
        if (!CHANNEL) decay[0] = rw_exp(RW_LOG_DECAY(s, t, h, 0));
        for (int i = 0; i < PARTS; ++i) {
            const int at = i * LANES + lane;
            const float4 ki = rw_at4(k, at), qi = rw_at4(q, at);
            key[i] = ki;
            kq = fma(ki, qi, kq), kk = fma(ki, ki, kk), qq = fma(qi, qi, qq);
            if (CHANNEL) decay[i] = rw_exp4(RW_LOG_DECAYS(4, s, t, h, at));
            const float4 by = decay[CHANNEL ? i : 0], dk = by * ki, dq = by * qi;
            for (int c = 0; c < COLS; ++c) m[c] = fma(S[c][i], dk, m[c]), r[c] = fma(S[c][i], dq, r[c]);
        }
        float x[VALUES];
        for (int c = 0; c < COLS; ++c) x[c] = rw_sum4(m[c]), x[COLS + c] = rw_sum4(r[c]);
        x[2 * COLS] = rw_sum4(kq), x[2 * COLS + 1] = rw_sum4(kk), x[2 * COLS + 2] = rw_sum4(qq);
        rw_share(x, VALUES);

        const float by_k = rw_inverse_norm(x[2 * COLS + 1], eps), by_q = rw_inverse_norm(x[2 * COLS + 2], eps);
        const float both = x[2 * COLS] * by_k * by_q, beta = RW_BETA(s, t, h);
        __global const rw_elem* v = RW_V(s, t, h);
        __global float* out = RW_OUT(s, t, h);
        int kept = rw_kept_slot(t, s.n, K, order);
        if (t == t1 - 1 && kept < 0) kept = last;  // for the next dispatch
        __global float* to = RW_STATE_OUT(s, max(kept, 0)) + head;
        for (int c = 0; c < COLS; ++c) {
            const float delta = beta * (rw_at(v, j0 + c) - by_k * x[c]);
            if (lane == c) out[j0 + c] = scale * fma(both, delta, by_q * x[COLS + c]);
            const float4 d = delta * by_k;
            for (int i = 0; i < PARTS; ++i) {
                S[c][i] = fma(key[i], d, decay[CHANNEL ? i : 0] * S[c][i]);
                if (kept >= 0) rw_store4(S[c][i], i * LANES + lane, to + c * S_K);
            }
        }
    }
}
