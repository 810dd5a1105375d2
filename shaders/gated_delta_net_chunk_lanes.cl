// GATED_DELTA_NET, prefill path, for GPUs: chunks of tokens by products, as written out in gdn_chunk.clh. Equation,
// shapes and slots: rewind/ops/gated_delta_net.h.
//
// States that are kept inside a chunk are replayed token by token from the state at its start.
//
// The caller guarantees path = prefill, a split that is a multiple of CHUNK, and local memory for a `chunk`. Tunables
// and constants: gdn_chunk.clh. Work: CLUSTERS LANES items; groups S_v / (CLUSTERS COLS), H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "gdn_chunk.clh"

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void gated_delta_net_chunk_lanes(RW_KERNEL_ARGS, int t0, int t1) {
    __local chunk x;
    const int item = (int)get_local_id(0), j0 = (int)get_group_id(0) * COLUMNS;
    const int h = (int)get_group_id(1), b = (int)get_group_id(2);
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    t1 = min(t1, s.n);
    if (slot < 0 || t0 >= t1) return;  // the same for the whole work-group

    const int K = block->p.K, order = block->p.order, hk = RW_K_HEAD(h), last = rw_final_slot(K, order);
    const long head = ((long)h * block->p.S_v + j0) * S_K;
    float4 S[COLS][PARTS];
    chunk_load(S, (t0 == 0 ? RW_STATE(s, slot) : RW_STATE_OUT(s, last)) + head, item);

    for (int t = t0; t < t1; t += CHUNK) {
        const int n = min(CHUNK, t1 - t);
        barrier(CLK_LOCAL_MEM_FENCE);  // the chunk before is done with
        CHUNK_READ(&x, t, n)
        chunk_weigh(&x, n, block->p.l2norm_eps, item);
        chunk_probe(&x, S, n, item);
        chunk_solve(&x, n, block->p.scale, RW_OUT(s, t, h) + j0, block->p.o_t, item);

        bool inside = false;
        for (int r = 0; r < n - 1; ++r) inside |= rw_kept_slot(t + r, s.n, K, order) >= 0;
        if (!inside) chunk_fold(&x, S, n, item);
        for (int r = inside ? 0 : n - 1; r < n; ++r) {
            if (inside) chunk_step(&x, S, r, item);
            int kept = rw_kept_slot(t + r, s.n, K, order);
            if (t + r == t1 - 1 && kept < 0) kept = last;  // for the next dispatch
            if (kept >= 0) chunk_store(S, RW_STATE_OUT(s, kept) + head, item);
        }
    }
}
