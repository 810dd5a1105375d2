// GATED_DELTA_NET_RING for GPUs: the block's rows are applied one after the other to the base in registers, then the new
// tokens. Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// LANES work-items, a cluster, own COLS value columns as in gated_delta_net_lanes.cl:
//
//   m = e^g S^T k        r = e^g S^T q        d = beta (v - m)     o = scale (r + (k . q) d)     S <- e^g S + k d^T
//
// The last step takes the very numbers that are stored in the ring, for an old row as for a new one, so that bits depend
// on positions alone. On the exact path the rows written lie apart from the rows read, and the head that owns them stores
// keys and gates here; a prefill call may wrap, and gated_delta_net_ring_rows.cl stores them.
//
// Tunables and work as in gated_delta_net_lanes.cl. Constants: S_K, CHANNEL, TYPE, ALIGNED.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"
#include "lanes.clh"

#define PARTS (S_K / (4 * LANES)) /* float4 of a column in one lane */
#define VALUES (2 * COLS + 3)     /* m and r of each column, k.q, |k|^2, |q|^2 */

__kernel __attribute__((reqd_work_group_size(CLUSTERS * LANES, 1, 1)))
void gated_delta_net_ring_lanes(RW_KERNEL_ARGS, int t0, int t1) {
    RW_LANES_LOCAL(VALUES, CLUSTERS);
    const int lane = (int)get_local_id(0) % LANES, cluster = (int)get_local_id(0) / LANES;
    const int j0 = ((int)get_group_id(0) * CLUSTERS + cluster) * COLS;
    const int h = (int)get_group_id(1), b = (int)get_group_id(2);
    int pos;
    const rw_sequence s = RW_PLACED(b, &pos);
    if (s.n == 0) return;  // the same for the whole work-group

    const int width = block->p.W, end = pos + s.n, oldest = RW_OLDEST(end), hk = RW_K_HEAD(h);
    const bool stores_g = j0 == 0 && !block->p.prefill, stores_k = stores_g && RW_OWNS_KEYS(h);
    const float eps = block->p.l2norm_eps, scale = block->p.scale;
    __global const float* from = RW_BASE(s.row, pos / width, h) + (long)j0 * S_K;
    float4 S[COLS][PARTS], key[PARTS], decay[CHANNEL ? PARTS : 1];
    for (int c = 0; c < COLS; ++c)
        for (int i = 0; i < PARTS; ++i) S[c][i] = rw_load4(from + c * S_K, i * LANES + lane);

    for (int p = pos / width * width; p < pos; ++p) {
        __global const float *k = RW_RING_K(s.row, p, hk), *g = RW_RING_G(s.row, p, h), *d = RW_RING_D(s.row, p, h);
        if (!CHANNEL) decay[0] = rw_exp(g[0]);
        for (int i = 0; i < PARTS; ++i) {
            const float4 ki = rw_load4(k, i * LANES + lane);
            if (CHANNEL) decay[i] = rw_exp4(rw_load4(g, i * LANES + lane));
            for (int c = 0; c < COLS; ++c) S[c][i] = fma(ki, (float4)d[j0 + c], decay[CHANNEL ? i : 0] * S[c][i]);
        }
    }
    for (int p = pos; p < end; ++p) {
        const int t = p - pos;
        __global const rw_elem *k = RW_K(s, b, t, hk), *q = RW_Q(s, b, t, hk);
        __global float *row_k = RW_RING_K(s.row, p, hk), *row_g = RW_RING_G(s.row, p, h), *row_d = RW_RING_D(s.row, p, h);
        const bool kept = p >= oldest;
        float4 m[COLS], r[COLS], kq = 0.0f, kk = 0.0f, qq = 0.0f;
        for (int c = 0; c < COLS; ++c) m[c] = r[c] = 0.0f;
        if (!CHANNEL) {
            const float gate = RW_LOG_DECAY(s, t, h, 0);
            decay[0] = rw_exp(gate);
            if (stores_g && kept && lane == 0) *row_g = gate;
        }
        for (int i = 0; i < PARTS; ++i) {
            const int at = i * LANES + lane;
            const float4 ki = rw_at4(k, at), qi = rw_at4(q, at);
            key[i] = ki;
            kq = fma(ki, qi, kq), kk = fma(ki, ki, kk), qq = fma(qi, qi, qq);
            if (CHANNEL) {
                const float4 gate = RW_LOG_DECAYS(4, s, t, h, at);
                decay[i] = rw_exp4(gate);
                if (stores_g && kept) rw_store4(gate, at, row_g);
            }
            const float4 by = decay[CHANNEL ? i : 0], dk = by * ki, dq = by * qi;
            for (int c = 0; c < COLS; ++c) m[c] = fma(S[c][i], dk, m[c]), r[c] = fma(S[c][i], dq, r[c]);
        }
        float x[VALUES];
        for (int c = 0; c < COLS; ++c) x[c] = rw_sum4(m[c]), x[COLS + c] = rw_sum4(r[c]);
        x[2 * COLS] = rw_sum4(kq), x[2 * COLS + 1] = rw_sum4(kk), x[2 * COLS + 2] = rw_sum4(qq);
        rw_share(x, VALUES);

        const float by_k = rw_inverse_norm(x[2 * COLS + 1], eps), by_q = rw_inverse_norm(x[2 * COLS + 2], eps);
        const float both = x[2 * COLS] * by_k * by_q, beta = RW_BETA(s, t, h);
        for (int i = 0; i < PARTS; ++i) {
            key[i] *= by_k;
            if (stores_k && kept) rw_store4(key[i], i * LANES + lane, row_k);
        }
        __global const rw_elem* v = RW_V(s, t, h);
        __global float* out = RW_OUT(s, t, h);
        const bool full = (p + 1) % width == 0 && p + 1 >= oldest;
        __global float* to = RW_BASE(s.row, (p + 1) / width, h) + (long)j0 * S_K;
        for (int c = 0; c < COLS; ++c) {
            const float d = beta * (rw_at(v, j0 + c) - by_k * x[c]);
            if (lane == c) {
                out[j0 + c] = scale * fma(both, d, by_q * x[COLS + c]);
                if (kept) row_d[j0 + c] = d;
            }
            for (int i = 0; i < PARTS; ++i) {
                S[c][i] = fma(key[i], (float4)d, decay[CHANNEL ? i : 0] * S[c][i]);
                if (full) rw_store4(S[c][i], i * LANES + lane, to + c * S_K);
            }
        }
    }
}
