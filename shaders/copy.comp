#version 450
// COPY. Shapes: rewind/ops/copy.h.
//
// One invocation takes four neighbouring elements of a row (QUADS: rows are contiguous and aligned on both sides) or
// one element, wherever it is; and of rows further on when there are more than the grid is high.
//
// Caller: grid ceil_div(n, WIDTH * local), rows; with QUADS n % 4 == 0 and aligned places.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/copy.h"
#include "copy_args.h"
#define PARAMS copy_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int QKV_TYPE = 0;  // of x; the name is load.glsl's
layout(constant_id = 31) const int OUT_TYPE = 0;
#include "load.glsl"
#include "rows.glsl"
#include "store.glsl"

#if QUADS
const int WIDTH = 4;
TYPED_IN4(x)
#else
const int WIDTH = 1;
TYPED_IN(x)
#endif
TYPED_OUT(out, OUT_TYPE)

Place out_row(int r) {
    const Place a = SKIP_OUT(start(RW_ARG_out), r / (p.n1 * p.n2), p.o_3, OUT_TYPE);
    return SKIP_OUT(SKIP_OUT(a, r / p.n1 % p.n2, p.o_2, OUT_TYPE), r % p.n1, p.o_1, OUT_TYPE);
}

void main() {
    const int i = int(gl_GlobalInvocationID.x), rows = row_count();
    if (i >= p.n / WIDTH) return;
    for (int r = int(gl_WorkGroupID.y); r < rows; r += int(gl_NumWorkGroups.y)) {
        const Place x = ROW_TYPED(x, r, p.x_1, p.x_2, p.x_3), o = out_row(r);
#if QUADS
        const vec4 four = x_get4(x, uint(i));
        out_put2(o, 2u * uint(i), four.xy);
        out_put2(o, 2u * uint(i) + 1u, four.zw);
#else
        out_put(SKIP_OUT(o, i, p.o_0, OUT_TYPE), 0u, x_get(skip_typed(x, i, p.x_0), 0u));
#endif
    }
}
