#version 450
// GET_ROWS. Shapes: rewind/ops/get_rows.h.
//
// One invocation takes four (QUADS) or one element of a row, and of rows further on when there are more than the grid
// is high. Compile-time BLOCKS: the table is quantised.
//
// Caller: grid ceil_div(n, WIDTH * local), N; with QUADS n % 4 == 0.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/get_rows.h"
#include "get_rows_args.h"
#define PARAMS get_rows_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
#if BLOCKS
layout(constant_id = 30) const int W_TYPE = RW_Q8_0;  // of the table
const int QKV_TYPE = RW_F32;
#else
layout(constant_id = 30) const int QKV_TYPE = 0;  // of the table; the name is load.glsl's
#define table_row(n, stride) skip_typed(start(RW_ARG_table), n, stride)
#endif
#include "load.glsl"
#if BLOCKS
#include "blocks.glsl"
#endif

INDEX(ids)
#if BLOCKS
const int WIDTH = 4;
WEIGHTS(table)
TENSOR_OUT4(out)
#define GET(at, i) table_weights4(at, uint(i))
#define PUT(at, i, v) out_put4(at, uint(i), v)
#elif QUADS
const int WIDTH = 4;
TYPED_IN4(table)
TENSOR_OUT4(out)
#define GET(at, i) table_get4(at, uint(i))
#define PUT(at, i, v) out_put4(at, uint(i), v)
#else
const int WIDTH = 1;
TYPED_IN(table)
TENSOR_OUT(out)
#define GET(at, i) table_get(at, uint(i))
#define PUT(at, i, v) out_put(at, uint(i), v)
#endif

void main() {
    const int i = int(gl_GlobalInvocationID.x);
    if (i >= p.n / WIDTH) return;
    for (int r = int(gl_WorkGroupID.y); r < p.N; r += int(gl_NumWorkGroups.y)) {
        const int id = ids_at(r, -1);
        if (id < -1 || id >= p.R) raise(RW_FAULT_ROW);
        if (id < 0 || id >= p.R) continue;
        PUT(skip(start(RW_ARG_out), r, p.o_r), i, GET(table_row(id, p.table_r), i));
    }
}
