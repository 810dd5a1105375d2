#version 450
// SWIGLU. Equation and shapes: rewind/ops/swiglu.h.
//
// One invocation takes four (QUADS) or one element of a row, and of rows further on when there are more than the grid
// is high.
//
// Caller: grid ceil_div(n, WIDTH * local), rows; with QUADS n % 4 == 0.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/swiglu.h"
#include "swiglu_args.h"
#define PARAMS swiglu_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "math.glsl"
#include "rows.glsl"

#if QUADS
#define VEC vec4
const int WIDTH = 4;
TENSOR_IN4(gate)
TENSOR_IN4(up)
TENSOR_OUT4(out)
#define GET(x, at, i) x##_get4(at, uint(i))
#define PUT(x, at, i, v) x##_put4(at, uint(i), v)
VEC sigmoid_vec(VEC y) { return vec4(sigmoid_(y.x), sigmoid_(y.y), sigmoid_(y.z), sigmoid_(y.w)); }
#else
#define VEC float
const int WIDTH = 1;
TENSOR_IN(gate)
TENSOR_IN(up)
TENSOR_OUT(out)
#define GET(x, at, i) x##_get(at, uint(i))
#define PUT(x, at, i, v) x##_put(at, uint(i), v)
VEC sigmoid_vec(VEC y) { return sigmoid_(y); }
#endif

void main() {
    const int i = int(gl_GlobalInvocationID.x), vectors = p.n / WIDTH, rows = row_count();
    if (i >= vectors) return;
    for (int r = int(gl_WorkGroupID.y); r < rows; r += int(gl_NumWorkGroups.y)) {
        const Place gate = ROW(gate, r, p.g_1, p.g_2, p.g_3);
        const VEC g = p.one != 0 ? VEC(gate_get(gate, 0u)) : GET(gate, gate, i);
        VEC up;
        if (p.halves != 0) up = GET(gate, gate, vectors + i);
        else up = GET(up, ROW(up, r, p.u_1, p.u_2, p.u_3), i);
        precise VEC y = sigmoid_vec(g);
        if (p.sigmoid == 0) y = g * y;
        y = y * up;
        PUT(out, ROW(out, r, p.o_1, p.o_2, p.o_3), i, y);
    }
}
