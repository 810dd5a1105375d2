// Stores the keys and log decays of a GATED_DELTA_NET_RING call after its other kernel has run: a long call replaces rows
// that others still read before. Shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// Constants: S_K, GATE (width of g), TYPE; CARRY=1 in rows that have a scratch buffer. Work: one item a work-group, for
// token, head and sequence: T, max(H_k, H_v), B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"

#if CARRY
#define SCRATCH __global float* carry, /* of the row's other pass */
#else
#define SCRATCH
#endif

__kernel void gated_delta_net_ring_rows(RW_KERNEL_ARGS, SCRATCH int t0, int t1) {
    const int t = (int)get_group_id(0), h = (int)get_group_id(1), b = (int)get_group_id(2);
    int pos;
    const rw_sequence s = RW_PLACED(b, &pos);
    if (t >= s.n || pos + t < RW_OLDEST(pos + s.n)) return;
    __global float* g = RW_RING_G(s.row, pos + t, h);
    for (int i = 0; i < GATE; ++i) g[i] = RW_LOG_DECAY(s, t, h, i);
    if (h >= block->p.H_k) return;
    __global const rw_elem* k = RW_K(s, b, t, h);
    __global float* to = RW_RING_K(s.row, pos + t, h);
    float16 square = 0.0f;
    for (int i = 0; i < S_K / 16; ++i) {
        const float16 e = rw_at16(k, i);
        square = fma(e, e, square);
    }
    const float by = rw_inverse_norm(rw_sum16(square), block->p.l2norm_eps);
    for (int i = 0; i < S_K / 16; ++i) vstore16(rw_at16(k, i) * by, i, to);
}
