// GATED_DELTA_NET_RING the plain way: one work-item a value column, which applies the block's rows to the base one after
// the other and goes on with the new tokens. For any device. Equation, shapes: rewind/ops/gated_delta_net_ring.h.
//
// A row is applied from the values that are stored in the ring, whether it is old or new, so that bits depend on
// positions alone. gated_delta_net_ring_rows.cl stores keys and gates afterwards.
//
// The column's S_K floats are private. Constants: S_K, CHANNEL, TYPE. Work: 16 items; groups S_v / 16, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"

/* |x|^2 in the tree of gated_delta_net_ring_rows.cl, so that a key is normalised to the bits that are stored. */
static float square_of(__global const rw_elem* x) {
    float16 square = 0.0f;
    for (int i = 0; i < S_K / 16; ++i) {
        const float16 e = rw_at16(x, i);
        square = fma(e, e, square);
    }
    return rw_sum16(square);
}

__kernel void gated_delta_net_ring_basic(RW_KERNEL_ARGS, int t0, int t1) {
    const int j = (int)get_global_id(0), h = (int)get_group_id(1), b = (int)get_group_id(2);
    int pos;
    const rw_sequence s = RW_PLACED(b, &pos);
    if (s.n == 0) return;
    const int width = block->p.W, end = pos + s.n, oldest = RW_OLDEST(end), hk = RW_K_HEAD(h);
    const float eps = block->p.l2norm_eps;

    __global const float* base = RW_BASE(s.row, pos / width, h) + (long)j * S_K;
    float S[S_K];
    for (int i = 0; i < S_K; ++i) S[i] = base[i];
    for (int p = pos / width * width; p < pos; ++p) {
        __global const float *k = RW_RING_K(s.row, p, hk), *g = RW_RING_G(s.row, p, h);
        const float d = RW_RING_D(s.row, p, h)[j];
        for (int i = 0; i < S_K; ++i) S[i] = fma(k[i], d, rw_exp(g[CHANNEL ? i : 0]) * S[i]);
    }
    for (int p = pos; p < end; ++p) {
        const int t = p - pos;
        __global const rw_elem *k = RW_K(s, b, t, hk), *q = RW_Q(s, b, t, hk);
        const float by_k = rw_inverse_norm(square_of(k), eps), by_q = rw_inverse_norm(square_of(q), eps);
        float m = 0.0f, o = 0.0f;
        for (int i = 0; i < S_K; ++i) {
            S[i] *= rw_exp(RW_LOG_DECAY(s, t, h, CHANNEL ? i : 0));
            m = fma(S[i], rw_at(k, i) * by_k, m);
        }
        const float d = RW_BETA(s, t, h) * (rw_at(RW_V(s, t, h), j) - m);
        for (int i = 0; i < S_K; ++i) {
            S[i] = fma(rw_at(k, i) * by_k, d, S[i]);
            o = fma(S[i], rw_at(q, i), o);
        }
        RW_OUT(s, t, h)[j] = block->p.scale * by_q * o;
        if (p >= oldest) RW_RING_D(s.row, p, h)[j] = d;
        if ((p + 1) % width || p + 1 < oldest) continue;
        __global float* to = RW_BASE(s.row, (p + 1) / width, h) + (long)j * S_K;
        for (int i = 0; i < S_K; ++i) to[i] = S[i];
    }
}
