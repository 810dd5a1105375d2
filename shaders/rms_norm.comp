#version 450
// RMS_NORM. Equation and shapes: rewind/ops/rms_norm.h.
//
// Compile-time LANES_OF_ROW: 1: eight neighbouring lanes of a subgroup take a row, lane l its vectors l, l + 8, ...,
// and add their sums in a butterfly; 0: a work-group takes a row, invocation i its vectors i, i + local, ..., and adds
// the sums in a fixed tree in shared memory. QUADS: vectors of four elements, or single ones. Both go on to further
// rows when the grid has fewer places than there are rows.
//
// A row is gone over twice, and s = x + residual is made both times: nothing is kept between, and the second time an
// invocation reads an element's inputs just before it writes its outputs, which may lie over them.
//
// Caller: local is a power of two; with QUADS n % 4 == 0; with LANES_OF_ROW QUADS, and full subgroups of 8 or more
// lanes.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/rms_norm.h"
#include "rms_norm_args.h"
#define PARAMS rms_norm_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "math.glsl"
#include "rows.glsl"

#if QUADS
#define VEC vec4
#define GET(x, at, i) x##_get4(at, uint(i))
#define PUT(x, at, i, v) x##_put4(at, uint(i), v)
const int WIDTH = 4;
TENSOR_IN4(x)
TENSOR_IN4(residual)
TENSOR_IN4(weight)
TENSOR_IN4(gate)
TENSOR_OUT4(out)
TENSOR_OUT4(sum)
VEC sigmoid_vec(VEC y) { return vec4(sigmoid_(y.x), sigmoid_(y.y), sigmoid_(y.z), sigmoid_(y.w)); }
float total(VEC y) { return sum4(y); }
#else
#define VEC float
#define GET(x, at, i) x##_get(at, uint(i))
#define PUT(x, at, i, v) x##_put(at, uint(i), v)
const int WIDTH = 1;
TENSOR_IN(x)
TENSOR_IN(residual)
TENSOR_IN(weight)
TENSOR_IN(gate)
TENSOR_OUT(out)
TENSOR_OUT(sum)
VEC sigmoid_vec(VEC y) { return sigmoid_(y); }
float total(VEC y) { return y; }
#endif

/* Where the tensors of one row begin. */
struct Row { Place x, residual, gate, o, sum; };
Row row_at(int r) {
    return Row(ROW(x, r, p.x_1, p.x_2, p.x_3), ROW(residual, r, p.r_1, p.r_2, p.r_3), ROW(gate, r, p.g_1, p.g_2, p.g_3),
               ROW(out, r, p.o_1, p.o_2, p.o_3), ROW(sum, r, p.s_1, p.s_2, p.s_3));
}

VEC stream(Row row, int i) {
    precise VEC s = GET(x, row.x, i);
    if (present(RW_ARG_residual)) s = s + GET(residual, row.residual, i);
    return s;
}

/* This invocation's part of the sum of squares, and then of the outputs: vectors me, me + step, ... */
float squares(Row row, int me, int step) {
    precise VEC sums = VEC(0.0);
    const int vectors = p.n / WIDTH;
    for (int i = me; i < vectors; i += step) {
        const VEC s = stream(row, i);
        sums = fma(s, s, sums);
    }
    return total(sums);
}
void finish(Row row, int me, int step, float all_squares) {
    precise float factor = 1.0 / sqrt(all_squares / float(p.n) + p.eps);
    const int vectors = p.n / WIDTH;
    for (int i = me; i < vectors; i += step) {
        const VEC s = stream(row, i);
        precise VEC y = s * factor;
        if (present(RW_ARG_weight)) y = y * GET(weight, start(RW_ARG_weight), i);
        if (present(RW_ARG_gate)) {
            const VEC g = GET(gate, row.gate, i);
            precise VEC silu = g * sigmoid_vec(g);
            y = y * silu;
        }
        PUT(out, row.o, i, y);
        if (present(RW_ARG_sum)) PUT(sum, row.sum, i, s);
    }
}

#if LANES_OF_ROW

#include "lanes.glsl"

void main() {
    const int lane = lane_invocation() & 7, rows = row_count(), clusters = int(gl_WorkGroupSize.x) / LANES;
    for (int r = int(gl_WorkGroupID.x) * clusters + lane_invocation() / LANES; r < rows;
         r += clusters * int(gl_NumWorkGroups.x)) {
        const Row row = row_at(r);
        finish(row, lane, LANES, lanes_sum(squares(row, lane, LANES)));
    }
}

#else

shared float sums[gl_WorkGroupSize.x];

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x), rows = row_count();
    for (int r = int(gl_WorkGroupID.x); r < rows; r += int(gl_NumWorkGroups.x)) {
        const Row row = row_at(r);
        sums[me] = squares(row, me, local);
        barrier();
        for (int half_ = local / 2; half_ > 0; half_ /= 2) {
            precise float both = 0.0;
            if (me < half_) both = sums[me] + sums[me + half_];
            if (me < half_) sums[me] = both;
            barrier();
        }
        finish(row, me, local, sums[0]);
        barrier();
    }
}

#endif
