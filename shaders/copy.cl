// COPY. Shapes: rewind/ops/copy.h.
//
// One work-item takes WIDTH elements of a row, and of rows further on when there are more than the grid is high.
#include "rw.clh"
#include "rewind/ops/copy.h"
#include "copy_args.h"
#include "load.clh"
#include "rows.clh"
#include "store.clh"

__kernel void copy(RW_KERNEL_ARGS, int t0, int t1) {
    const int n = block->p.n, rows = RW_ROWS, begin = (int)get_global_id(0) * WIDTH, end = min(begin + WIDTH, n);
    const long x_0 = block->p.x_0, o_0 = block->p.o_0;
    for (int r = (int)get_group_id(1); r < rows; r += (int)get_num_groups(1)) {
        __global const rw_elem* x = RW_ROW(const rw_elem, x, r, x_1, x_2, x_3);
        __global rw_out* out = RW_ROW(rw_out, out, r, o_1, o_2, o_3);
        for (int i = begin; i < end; ++i) rw_put(rw_at(x, i * x_0), out, i * o_0);
    }
}
