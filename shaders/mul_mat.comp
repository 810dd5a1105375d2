#version 450
// MUL_MAT. Equation and shapes: rewind/ops/mul_mat.h.
//
// A work-group takes a row of w and up to ROWS rows of x: invocation i the elements 4 (i, i + local, ...), added to one
// vec4 of sums a row of x; then the sums are added in a fixed tree in shared memory. Neither ROWS nor R reaches a row's
// arithmetic. Work-groups go on to further rows of w when the grid has fewer places than there are rows.
//
// Caller: local is a power of two.
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

shared float sums[uint(ROWS) * gl_WorkGroupSize.x];

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x);
    const int r0 = int(gl_WorkGroupID.y) * ROWS, rows = min(ROWS, p.R - r0), quads = p.K / 4, rest = p.K % 4;
    for (int n = int(gl_WorkGroupID.x); n < p.N; n += int(gl_NumWorkGroups.x)) {
        const Place weights = w_row(n, p.w_1);
        precise vec4 sum[ROWS];
        [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = vec4(0.0);
        for (int i = me; i < quads; i += local) {
            const vec4 four = w_weights4(weights, uint(i));
            [[unroll]] for (int r = 0; r < ROWS; ++r)
                if (r < rows) sum[r] = fma(four, x_get4(skip(start(RW_ARG_x), r0 + r, p.x_1), uint(i)), sum[r]);
        }
        if (me < rest) {  // a K that is no multiple of four: plain types
            const uint k = uint(4 * quads + me);
            const float one = w_weight(weights, k);
            [[unroll]] for (int r = 0; r < ROWS; ++r)
                if (r < rows) sum[r].x = fma(one, x_get(skip(start(RW_ARG_x), r0 + r, p.x_1), k), sum[r].x);
        }
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
        for (int r = me; r < rows; r += local) {
            precise float total = sums[r * local];
            if (p.has_add != 0) total = total + add_get(skip(start(RW_ARG_add), r0 + r, p.a_1), uint(n));
            out_put(skip(start(RW_ARG_out), r0 + r, p.o_1), uint(n), total);
        }
        barrier();
    }
}
