// MOE_ROUTE. Equation and shapes: rewind/ops/moe_route.h.
//
// A work-group takes a row and finds the U largest one after the other: an item owns the elements me, me + LOCAL, ...
// and keeps the first of them that comes after all that have been chosen.
#include "rw.clh"
#include "rewind/ops/moe_route.h"
#include "moe_route_args.h"
#include "math.clh"
#include "largest.clh"

__kernel void moe_route(RW_KERNEL_ARGS, int t0, int t1) {
    __local rw_choice choices[LOCAL];
    __local float sums[LOCAL], probability[RW_MOE_ROUTE_MOST];
    const int me = (int)get_local_id(0), E = block->p.E, U = block->p.U;
    for (int r = (int)get_group_id(0); r < block->p.R; r += (int)get_num_groups(0)) {
        __global const float* x = RW_PTR(const float, logits) + (long)r * block->p.x_r;
        rw_choice mine = 0, last = 0;
        float base = 0.0f, all = 0.0f;
        for (int u = 0; u < U; ++u) {
            if (u == 0 || (int)last.y % LOCAL == me) {
                mine = 0;
                for (int e = me; e < E; e += LOCAL) {
                    const rw_choice c = (rw_choice)(rw_rank(x[e]), (uint)e);
                    if ((u == 0 || rw_after(c, last)) && rw_after(mine, c)) mine = c;
                }
            }
            last = rw_first(mine, choices);
            if (u == 0) {
                base = rw_base(rw_number(last.x));
                float sum = 0.0f;
                for (int e = me; e < E; e += LOCAL) sum += rw_exp(x[e] - base);
                all = rw_group_sum(sum, sums);
            }
            if (me == 0) {
                probability[u] = rw_exp(rw_number(last.x) - base) / all;
                RW_PTR(int, ids)[(long)r * block->p.i_r + u] = (int)last.y;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        float chosen = 0.0f;
        for (int u = 0; u < U; ++u) chosen += probability[u];
        for (int u = me; u < U; u += LOCAL)
            RW_PTR(float, weight)[(long)r * block->p.w_r + u] = probability[u] / fmax(chosen, RW_MOE_ROUTE_LEAST_SUM);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
