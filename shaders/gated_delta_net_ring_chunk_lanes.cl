// GATED_DELTA_NET_RING, prefill path, for GPUs: chunks of tokens by products, as written out in gdn_chunk.clh.
// Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// The rows of the first block are applied to its base one after the other. Bases that begin inside a chunk are replayed
// token by token from the state at its start; gated_delta_net_ring_rows.cl stores keys and gates, which others may still
// be reading. `carry` holds the states [S_v][S_k] of every head and sequence between dispatches.
//
// The caller guarantees path = prefill, a split that is a multiple of CHUNK, and local memory for a `chunk`. Tunables
// and constants: gdn_chunk.clh. Work: CLUSTERS LANES items; groups S_v / (CLUSTERS COLS), H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"
#include "gdn_chunk.clh"

/* S <- decay S + k d^T for a row of the ring. */
static void apply_row(float4 (*S)[PARTS], __global const float* k, __global const float* g, __global const float* d,
                      int item) {
    const int lane = item % LANES;
    const float scalar = CHANNEL ? 1.0f : rw_exp(g[0]);
    RW_UNROLL for (int i = 0; i < PARTS; ++i) {
        const float4 key = rw_load4(k, i * LANES + lane);
        const float4 decay = CHANNEL ? rw_exp4(rw_load4(g, CHANNEL ? i * LANES + lane : 0)) : (float4)scalar;
        RW_UNROLL for (int c = 0; c < COLS; ++c)
            S[c][i] = fma(key, (float4)d[item / LANES * COLS + c], decay * S[c][i]);
    }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void gated_delta_net_ring_chunk_lanes(RW_KERNEL_ARGS, __global float* carry, int t0, int t1) {
    __local chunk x;
    const int item = (int)get_local_id(0), j0 = (int)get_group_id(0) * COLUMNS;
    const int h = (int)get_group_id(1), b = (int)get_group_id(2);
    int pos;
    const rw_sequence s = RW_PLACED(b, &pos);
    t1 = min(t1, s.n);
    if (t0 >= t1) return;  // the same for the whole work-group

    const int width = block->p.W, hk = RW_K_HEAD(h), oldest = RW_OLDEST(pos + s.n);
    carry += (((long)b * block->p.H_v + h) * block->p.S_v + j0) * S_K;
    float4 S[COLS][PARTS];
    chunk_load(S, t0 == 0 ? RW_BASE(s.row, pos / width, h) + (long)j0 * S_K : carry, item);
    if (t0 == 0)
        for (int p = pos / width * width; p < pos; ++p)
            apply_row(S, RW_RING_K(s.row, p, hk), RW_RING_G(s.row, p, h), RW_RING_D(s.row, p, h) + j0, item);

    for (int t = t0; t < t1; t += CHUNK) {
        const int n = min(CHUNK, t1 - t), p = pos + t;  // position of the chunk's first token
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);  // the chunk before is done with, and the old rows are read
        CHUNK_READ(&x, t, n)
        chunk_weigh(&x, n, block->p.l2norm_eps, item);
        chunk_probe(&x, S, n, item);
        chunk_solve(&x, n, block->p.scale, RW_OUT(s, t, h) + j0, block->p.o_t, item);
        for (int e = max(oldest - p, 0) * COLUMNS + item; e < n * COLUMNS; e += ITEMS)
            RW_RING_D(s.row, p + e / COLUMNS, h)[j0 + e % COLUMNS] = x.d[e / COLUMNS][e % COLUMNS];

        int end = max((p / width + 1) * width, oldest);  // where the next base begins that is kept
        const bool inside = end < p + n;
        if (!inside) chunk_fold(&x, S, n, item);
        for (int r = inside ? 0 : n - 1; r < n; ++r) {
            if (inside) chunk_step(&x, S, r, item);
            if (p + r + 1 != end) continue;
            chunk_store(S, RW_BASE(s.row, end / width, h) + (long)j0 * S_K, item);
            end += width;
        }
    }
    if (t1 < s.n) chunk_store(S, carry, item);
}
