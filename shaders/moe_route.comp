#version 450
// MOE_ROUTE. Equation and shapes: rewind/ops/moe_route.h.
//
// A work-group takes a row and finds the U largest one after the other: an invocation owns the elements me, me + local,
// ... and keeps the first of them that comes after all that have been chosen.
//
// Caller: local is a power of two; grid R.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/moe_route.h"
#include "moe_route_args.h"
#define PARAMS moe_route_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "math.glsl"
#include "largest.glsl"

TENSOR_IN(logits)
INDEX_OUT(ids)
TENSOR_OUT(weight)

shared float probability[RW_MOE_ROUTE_MOST];

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x);
    for (int r = int(gl_WorkGroupID.x); r < p.R; r += int(gl_NumWorkGroups.x)) {
        const Place row = skip(start(RW_ARG_logits), r, p.x_r), to = skip(start(RW_ARG_ids), r, p.i_r);
        Choice mine = Choice(NO_RANK, 0), last = mine;
        float base = 0.0, all = 0.0;
        for (int u = 0; u < p.U; ++u) {
            if (u == 0 || last.id % local == me) {
                mine = Choice(NO_RANK, 0);
                for (int e = me; e < p.E; e += local) {
                    const Choice c = Choice(rank_of(logits_get(row, uint(e))), e);
                    if (u == 0 || comes_after(c, last)) mine = largest(mine, c);
                }
            }
            last = group_largest(mine);
            if (u == 0) {
                base = base_of(number_of(last.rank));
                precise float sum = 0.0;
                for (int e = me; e < p.E; e += local) sum = sum + exp_(logits_get(row, uint(e)) - base);
                all = group_sum(sum);
            }
            precise float one = exp_(number_of(last.rank) - base) / all;
            if (me == 0) probability[u] = one, ids_set(to, uint(u), last.id);
        }
        barrier();
        precise float chosen = 0.0;
        for (int u = 0; u < p.U; ++u) chosen = chosen + probability[u];
        for (int u = me; u < p.U; u += local) {
            precise float share = probability[u] / max(chosen, RW_MOE_ROUTE_LEAST_SUM);
            weight_put(skip(start(RW_ARG_weight), r, p.w_r), uint(u), share);
        }
        barrier();
    }
}
