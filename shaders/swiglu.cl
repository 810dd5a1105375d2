// SWIGLU. Equation and shapes: rewind/ops/swiglu.h.
//
// One work-item takes WIDTH (1 or 16) elements of a row, fewer at its end, and of rows further on when there are more
// than the grid is high.
#include "rw.clh"
#include "rewind/ops/swiglu.h"
#include "swiglu_args.h"
#include "math.clh"
#include "rows.clh"

__kernel void swiglu(RW_KERNEL_ARGS, int t0, int t1) {
    const int n = block->p.n, rows = RW_ROWS, begin = (int)get_global_id(0) * WIDTH;
    const int one = block->p.one, sigmoid = block->p.sigmoid;
    if (begin >= n) return;
    for (int r = (int)get_group_id(1); r < rows; r += (int)get_num_groups(1)) {
        __global const float* gate = RW_ROW(const float, gate, r, g_1, g_2, g_3);
        __global const float* up = block->p.halves ? gate + n : RW_ROW(const float, up, r, u_1, u_2, u_3);
        __global float* out = RW_ROW(float, out, r, o_1, o_2, o_3);
#if WIDTH == 16
        if (begin + 16 <= n) {
            const float16 g = one ? (float16)gate[0] : vload16(0, gate + begin), y = rw_sigmoid16(g);
            vstore16((sigmoid ? y : g * y) * vload16(0, up + begin), 0, out + begin);
            continue;
        }
#endif
        for (int i = begin; i < min(begin + WIDTH, n); ++i) {
            const float g = one ? gate[0] : gate[i], y = rw_sigmoid(g);
            out[i] = (sigmoid ? y : g * y) * up[i];
        }
    }
}
