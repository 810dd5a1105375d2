// GATED_DELTA_NET_RING, prefill path, for CPUs: blocks of BLOCK tokens by products, as written out in strips.clh.
// Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// One work-item owns COLS value columns of one head; their state stays in private memory for the whole call. The rows
// of the first block are applied to its base one after the other; then blocks end at multiples of BLOCK, so that a base
// of W = BLOCK or more is the state at a block's end. Bases inside a block are replayed token by token.
// gated_delta_net_ring_rows.cl stores keys and gates, which others may still be reading.
//
// Tunables: COLS columns a work-item (multiple of 16, divides S_v), BLOCK tokens, WIDTH floats of a vector in tile.clh.
// Constants: S_K, CHANNEL, TYPE. Work: one item a work-group; groups S_v / COLS, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"
#include "tile.clh"
#include "strips.clh"

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gated_delta_net_ring_chunk(RW_KERNEL_ARGS, int t0, int t1) {
    const int j0 = (int)get_group_id(0) * COLS, h = (int)get_group_id(1), b = (int)get_group_id(2);
    int pos;
    const rw_sequence s = RW_PLACED(b, &pos);
    if (s.n == 0) return;

    const int width = block->p.W, hk = RW_K_HEAD(h), oldest = RW_OLDEST(pos + s.n), base = pos / width;
    const float eps = block->p.l2norm_eps;
    float16 S[COLS / STRIP][S_K];
    for (int j = 0; j < COLS; j += STRIP)
        strip_load(S[j / STRIP], RW_BASE(s.row, base, h) + (long)(j0 + j) * S_K);

    tile x;
    VEC tail[BLOCK][CHUNKS];
    for (int p = base * width; p < pos; ++p) {
        load_key(&x, 0, RW_RING_K(s.row, p, hk), RW_RING_G(s.row, p, h));
        __global const float* d = RW_RING_D(s.row, p, h) + j0;
        for (int j = 0; j < COLS; j += STRIP)
            strip_step(S[j / STRIP], (const float*)x.key[0], TILE_DECAY(&x, 0), vload16(0, d + j));
    }
    for (int t = 0, n; t < s.n; t += n) {
        const int p0 = pos + t;  // position of the block's first token
        n = min(BLOCK - p0 % BLOCK, s.n - t);
        TILE_READ(&x, tail, t, n)
        const int first = max((p0 / width + 1) * width, oldest);  // where the block's first base begins that is kept
        const bool inside = first < p0 + n;

        for (int j = 0; j < COLS; j += STRIP) {
            float16 *state = S[j / STRIP], d[BLOCK], o[BLOCK];
            strip_product(state, (const float*)x.kG, d);
            strip_product(state, (const float*)x.qG, o);
            strip_solve(&x, n, d, o, RW_V(s, t, h) + j0 + j, block->p.v_t, RW_OUT(s, t, h) + j0 + j, block->p.o_t,
                        block->p.scale);
            for (int p = max(p0, oldest); p < p0 + n; ++p) vstore16(d[p - p0], 0, RW_RING_D(s.row, p, h) + j0 + j);
            if (!inside) strip_fold(&x, state, (const float*)tail, d);
            for (int p = inside ? 0 : n - 1, next = first; p < n; ++p) {
                if (inside) strip_step(state, (const float*)x.key[p], TILE_DECAY(&x, p), d[p]);
                if (p0 + p + 1 != next) continue;
                strip_store(state, RW_BASE(s.row, next / width, h) + (long)(j0 + j) * S_K);
                next += width;
            }
        }
    }
}
