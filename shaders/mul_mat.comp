#version 450
// MUL_MAT. Equation and shapes: rewind/ops/mul_mat.h.
//
// Compile-time LANES_OF_ROW: 1: eight neighbouring lanes of a subgroup take a row of w and add their sums in a butterfly;
// 0: a work-group takes a row of w and adds the sums in a fixed tree in shared memory. Either way with up to ROWS rows of
// x: lane or invocation i takes the elements 4 (i, i + lanes, ...), added to one vec4 of sums a row of x. Neither ROWS nor
// R reaches a row's arithmetic. Both go on to further rows of w when the grid has fewer places than there are rows.
//
// Caller: local is a power of two; with LANES_OF_ROW full subgroups of 8 or more lanes.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/mul_mat.h"
#include "mul_mat_args.h"
#define PARAMS mul_mat_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int W_TYPE = RW_F32;
layout(constant_id = 31) const int ROWS = 1;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "blocks.glsl"
WEIGHTS(w)
TENSOR_IN4(x)
TENSOR_IN(add)
TENSOR_OUT(out)

/* Sums of lane or invocation `me` of `lanes`: a row of w against `rows` rows of x. */
#define SUMS(sum, n, me, lanes)                                                                       \
    [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = vec4(0.0);                                     \
    const Place weights = w_row(n, p.w_1);                                                            \
    for (int i = me; i < p.K / 4; i += lanes) {                                                       \
        const vec4 four = w_weights4(weights, uint(i));                                               \
        [[unroll]] for (int r = 0; r < ROWS; ++r)                                                     \
            if (r < rows) sum[r] = fma(four, x_get4(row[r], uint(i)), sum[r]);                        \
    }                                                                                                 \
    if (me < p.K % 4) { /* plain types */                                                             \
        const uint k = uint(p.K / 4 * 4 + me);                                                        \
        const float one = w_weight(weights, k);                                                       \
        [[unroll]] for (int r = 0; r < ROWS; ++r)                                                     \
            if (r < rows) sum[r].x = fma(one, x_get(row[r], k), sum[r].x);                            \
    }

void put(int n, int r, float total) {
    precise float all = total;
    if (p.has_add != 0) all = all + add_get(skip(start(RW_ARG_add), r, p.a_1), uint(n));
    out_put(skip(start(RW_ARG_out), r, p.o_1), uint(n), all);
}

#if LANES_OF_ROW

#include "lanes.glsl"

void main() {
    const int lane = lane_invocation() & 7, clusters = int(gl_WorkGroupSize.x) / LANES;
    const int r0 = int(gl_WorkGroupID.y) * ROWS, rows = min(ROWS, p.R - r0);
    Place row[ROWS];
    [[unroll]] for (int r = 0; r < ROWS; ++r) row[r] = skip(start(RW_ARG_x), r0 + min(r, rows - 1), p.x_1);
    for (int n = int(gl_WorkGroupID.x) * clusters + lane_invocation() / LANES; n < p.N;
         n += clusters * int(gl_NumWorkGroups.x)) {
        precise vec4 sum[ROWS];
        SUMS(sum, n, lane, LANES)
        [[unroll]] for (int r = 0; r < ROWS; ++r) {
            precise float mine = (sum[r].x + sum[r].z) + (sum[r].y + sum[r].w);
            const float total = lanes_sum(mine);
            if (r < rows && lane == (r & 7)) put(n, r0 + r, total);
        }
    }
}

#else

shared float sums[uint(ROWS) * gl_WorkGroupSize.x];

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x);
    const int r0 = int(gl_WorkGroupID.y) * ROWS, rows = min(ROWS, p.R - r0);
    Place row[ROWS];
    [[unroll]] for (int r = 0; r < ROWS; ++r) row[r] = skip(start(RW_ARG_x), r0 + min(r, rows - 1), p.x_1);
    for (int n = int(gl_WorkGroupID.x); n < p.N; n += int(gl_NumWorkGroups.x)) {
        precise vec4 sum[ROWS];
        SUMS(sum, n, me, local)
        [[unroll]] for (int r = 0; r < ROWS; ++r) {
            precise float all = (sum[r].x + sum[r].z) + (sum[r].y + sum[r].w);
            sums[r * local + me] = all;
        }
        barrier();
        for (int half_ = local / 2; half_ > 0; half_ /= 2) {
            for (int i = me; i < rows * half_; i += local) {
                const int at = i / half_ * local + i % half_;
                precise float both = sums[at] + sums[at + half_];
                sums[at] = both;
            }
            barrier();
        }
        for (int r = me; r < rows; r += local) put(n, r0 + r, sums[r * local]);
        barrier();
    }
}

#endif
