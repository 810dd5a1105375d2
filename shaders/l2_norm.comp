#version 450
// L2_NORM. Equation and shapes: rewind/ops/l2_norm.h.
//
// Compile-time LANES_OF_ROW: 1: eight neighbouring lanes of a subgroup take a row, lane l its vec4s l, l + 8, ..., and
// add their sums in a butterfly; 0: a work-group takes a row, invocation i its elements i, i + local, ..., and adds the
// sums in a fixed tree in shared memory. Both go on to further rows when the grid has fewer places than there are rows.
//
// Caller: local is a power of two; with LANES_OF_ROW full subgroups of 8 or more lanes and n % 4 == 0.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/l2_norm.h"
#include "l2_norm_args.h"
#define PARAMS l2_norm_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"

#include "rows.glsl"
Place x_row(int r) { return ROW(x, r, p.x_1, p.x_2, p.x_3); }
Place out_row(int r) { return ROW(out, r, p.o_1, p.o_2, p.o_3); }
float row_length(float sum) { return isnan(sum) ? sum : max(sqrt(sum), p.eps); }

#if LANES_OF_ROW

#include "lanes.glsl"
#include "math.glsl"
TENSOR_IN4(x)
TENSOR_OUT4(out)

void main() {
    const int lane = lane_invocation() & 7, rows = row_count(), quads = p.n / 4;
    const int clusters = int(gl_WorkGroupSize.x) / LANES;
    for (int r = int(gl_WorkGroupID.x) * clusters + lane_invocation() / LANES; r < rows;
         r += clusters * int(gl_NumWorkGroups.x)) {
        const Place x = x_row(r), o = out_row(r);
        precise vec4 sums = vec4(0.0);
        for (int i = lane; i < quads; i += LANES) {
            const vec4 four = x_get4(x, uint(i));
            sums = fma(four, four, sums);
        }
        const float length = row_length(lanes_sum(sum4(sums)));
        for (int i = lane; i < quads; i += LANES) {
            precise vec4 four = x_get4(x, uint(i)) / length;
            out_put4(o, uint(i), four);
        }
    }
}

#else

TENSOR_IN(x)
TENSOR_OUT(out)
shared float sums[gl_WorkGroupSize.x];

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x), rows = row_count();
    for (int r = int(gl_WorkGroupID.x); r < rows; r += int(gl_NumWorkGroups.x)) {
        const Place x = x_row(r), o = out_row(r);
        precise float sum = 0.0;
        for (int i = me; i < p.n; i += local) {
            const float one = x_get(x, uint(i));
            sum = fma(one, one, sum);
        }
        sums[me] = sum;
        barrier();
        for (int half_ = local / 2; half_ > 0; half_ /= 2) {
            precise float both = 0.0;
            if (me < half_) both = sums[me] + sums[me + half_];
            if (me < half_) sums[me] = both;
            barrier();
        }
        const float length = row_length(sums[0]);
        for (int i = me; i < p.n; i += local) {
            precise float one = x_get(x, uint(i)) / length;
            out_put(o, uint(i), one);
        }
        barrier();
    }
}

#endif
