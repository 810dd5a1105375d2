// GATED_DELTA_NET, prefill path, for CPUs: blocks of BLOCK tokens by matrix products, as written out in strips.clh.
// Equation, shapes and slots: rewind/ops/gated_delta_net.h.
//
// One work-item owns COLS value columns of one head; their state stays in private memory. Snapshots inside a block are
// replayed token by token from the state at its start.
//
// Tunables: COLS columns a work-item (multiple of 16, divides S_v), BLOCK tokens, WIDTH floats of a vector in tile.clh.
// Constants: S_K, CHANNEL, TYPE. Work: one item a work-group; groups S_v / COLS, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "tile.clh"
#include "strips.clh"

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gated_delta_net_chunk(RW_KERNEL_ARGS, int t0, int t1) {
    const int j0 = (int)get_group_id(0) * COLS, h = (int)get_group_id(1), b = (int)get_group_id(2);
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    t1 = min(t1, s.n);
    if (slot < 0 || t0 >= t1) return;

    const int K = block->p.K, order = block->p.order, hk = RW_K_HEAD(h), last = rw_final_slot(K, order);
    const float eps = block->p.l2norm_eps;
    const long head = ((long)h * block->p.S_v + j0) * S_K;
    float16 S[COLS / STRIP][S_K];
    for (int j = 0; j < COLS; j += STRIP)
        strip_load(S[j / STRIP], (t0 == 0 ? RW_STATE(s, slot) : RW_STATE_OUT(s, last)) + head + (long)j * S_K);

    tile x;
    VEC tail[BLOCK][CHUNKS];
    for (int t = t0; t < t1; t += BLOCK) {
        const int n = min(BLOCK, t1 - t);
        TILE_READ(&x, tail, t, n)
        bool inside = false;  // a state inside the block is kept
        for (int p = 0; p < n - 1; ++p) inside |= rw_kept_slot(t + p, s.n, K, order) >= 0;

        for (int j = 0; j < COLS; j += STRIP) {
            float16 *state = S[j / STRIP], d[BLOCK], o[BLOCK];
            strip_product(state, (const float*)x.kG, d);
            strip_product(state, (const float*)x.qG, o);
            strip_solve(&x, n, d, o, RW_V(s, t, h) + j0 + j, block->p.v_t, RW_OUT(s, t, h) + j0 + j, block->p.o_t,
                        block->p.scale);
            if (!inside) strip_fold(&x, state, (const float*)tail, d);
            for (int p = inside ? 0 : n - 1; p < n; ++p) {
                if (inside) strip_step(state, (const float*)x.key[p], TILE_DECAY(&x, p), d[p]);
                int kept = rw_kept_slot(t + p, s.n, K, order);
                if (t + p == t1 - 1 && kept < 0) kept = last;  // for the next dispatch
                if (kept >= 0) strip_store(state, RW_STATE_OUT(s, kept) + head + (long)j * S_K);
            }
        }
    }
}
