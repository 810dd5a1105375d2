// GATED_DELTA_NET_MATERIALIZE: equation and shapes in rewind/ops/gated_delta_net_materialize.h.
//
// One work-item owns four neighbouring elements of one value column and applies the block's rows to them in order.
// Constants: S_K, CHANNEL. Work: S_K / 4 items, a column, a work-group; groups S_v, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_materialize.h"
#include "gated_delta_net_materialize_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"

__kernel void gated_delta_net_materialize(RW_KERNEL_ARGS, int t0, int t1) {
    const int i = (int)get_local_id(0), j = (int)get_group_id(0), h = (int)get_group_id(1), b = (int)get_group_id(2);
    __global const int* seq = RW_OPT(const int, seq);
    const int row = seq ? seq[b] : b, pos = RW_PTR(const int, pos)[b], width = block->p.W;
    if (row == -1 || pos < 0) return;
    if (row < -1 || row >= block->p.pool) {
        rw_raise(fault, RW_FAULT_SEQ);
        return;
    }
    const int hk = RW_K_HEAD(h);
    float4 S = vload4(i, RW_BASE(row, pos / width, h) + (long)j * S_K);
    for (int p = pos / width * width; p < pos; ++p) {
        __global const float* g = RW_RING_G(row, p, h);
        const float4 decay = CHANNEL ? rw_exp4(vload4(i, g)) : (float4)rw_exp(g[0]);
        const float d = RW_RING_D(row, p, h)[j];
        S = fma(vload4(i, RW_RING_K(row, p, hk)), (float4)d, decay * S);
    }
    vstore4(S, i, RW_PTR(float, state) + (long)b * block->p.state_row + ((long)h * block->p.S_v + j) * S_K);
}
