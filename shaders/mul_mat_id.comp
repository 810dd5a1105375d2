#version 450
// MUL_MAT_ID. Equation and shapes: rewind/ops/mul_mat_id.h.
//
// A work-group takes an element of rows of out: the invocations i the elements 4 (i, i + local, ...) of a row of w,
// added to one vec4 of sums, which are added in a fixed tree in shared memory. Without weight gl_WorkGroupID.y is a pair of a
// token and one of its experts; with weight it is a token, and the group goes through its experts. It goes on to further
// rows of w, and pairs, when the grid has fewer places than there are.
//
// Caller: local is a power of two; grid N, WEIGHT ? R : U * R.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/mul_mat_id.h"
#include "mul_mat_id_args.h"
#define PARAMS mul_mat_id_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int W_TYPE = RW_F32;
layout(constant_id = 31) const int WEIGHT = 0;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "blocks.glsl"
WEIGHTS(w)
TENSOR_IN4(x)
INDEX(ids)
TENSOR_IN(weight)
TENSOR_IN(add)
TENSOR_OUT(out)

shared float sums[gl_WorkGroupSize.x];

/* The product of row n of an expert and of a token's row, in all invocations. */
float product(int expert, int n, Place row) {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x);
    const Place weights = w_skip(w_row(expert, p.w_2), n, p.w_1);
    precise vec4 sum = vec4(0.0);
    for (int i = me; i < p.K / 4; i += local) sum = fma(w_weights4(weights, uint(i)), x_get4(row, uint(i)), sum);
    if (me < p.K % 4) {  // plain types
        const uint k = uint(p.K / 4 * 4 + me);
        sum.x = fma(w_weight(weights, k), x_get(row, k), sum.x);
    }
    precise float all = (sum.x + sum.z) + (sum.y + sum.w);
    barrier();
    sums[me] = all;
    barrier();
    for (int half_ = local / 2; half_ > 0; half_ /= 2) {
        precise float both = 0.0;
        if (me < half_) both = sums[me] + sums[me + half_];
        if (me < half_) sums[me] = both;
        barrier();
    }
    return sums[0];
}

int expert_of(int u, int r) {
    const int id = ids_at(r * p.id_r + u, -1);
    if (id >= -1 && id < p.E) return id;
    raise(RW_FAULT_ROW);
    return -1;
}

void main() {
    const int pairs = WEIGHT != 0 ? p.R : p.U * p.R, steps = WEIGHT != 0 ? p.U : 1;
    const bool writes = gl_LocalInvocationIndex == 0u;
    for (int pair = int(gl_WorkGroupID.y); pair < pairs; pair += int(gl_NumWorkGroups.y)) {
        const int r = WEIGHT != 0 ? pair : pair / p.U, u0 = WEIGHT != 0 ? 0 : pair % p.U;
        const Place to = skip(skip(start(RW_ARG_out), r, p.o_2), u0, p.o_1);
        for (int n = int(gl_WorkGroupID.x); n < p.N; n += int(gl_NumWorkGroups.x)) {
            precise float sum = 0.0;
            bool any = false;
            for (int u = u0; u < u0 + steps; ++u) {
                const int expert = expert_of(u, r);
                if (expert < 0) continue;
                const float y = product(expert, n, skip(skip(start(RW_ARG_x), r, p.x_2), u, p.x_1));
                if (WEIGHT != 0) sum = fma(weight_get(skip(start(RW_ARG_weight), r, p.weight_r), uint(u)), y, sum);
                else sum = y;
                any = true;
            }
            if (!any || !writes) continue;
            if (p.has_add != 0) sum = sum + add_get(skip(start(RW_ARG_add), r, p.a_2), uint(n));
            out_put(to, uint(n), sum);
        }
    }
}
