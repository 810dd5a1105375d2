// GET_ROWS. Shapes: rewind/ops/get_rows.h.
//
// One work-item takes WIDTH (1 or 16) elements of a row, fewer at its end, and of rows further on when there are more
// than the grid is high. Compile-time BLOCKS: the table is quantised, and WIDTH is 4.
#include "rw.clh"
#include "rewind/ops/get_rows.h"
#include "get_rows_args.h"
#if BLOCKS
#include "blocks.clh"
#else
#include "load.clh"
#endif

__kernel void get_rows(RW_KERNEL_ARGS, int t0, int t1) {
    const int n = block->p.n, N = block->p.N, R = block->p.R, begin = (int)get_global_id(0) * WIDTH;
    if (begin >= n) return;
    for (int r = (int)get_group_id(1); r < N; r += (int)get_num_groups(1)) {
        const int id = RW_PTR(const int, ids)[r];
        if (id < -1 || id >= R) atomic_or(fault, RW_FAULT_ROW);
        if (id < 0 || id >= R) continue;
#if BLOCKS
        rw_bytes row = RW_PTR(const uchar, table) + (long)id * block->p.table_r * RW_BLOCK_BYTES;
        vstore4(rw_weights4(row, (uint)begin / 4), 0, RW_PTR(float, out) + (long)r * block->p.o_r + begin);
#else
        __global const rw_elem* from = RW_PTR(const rw_elem, table) + (long)id * block->p.table_r + begin;
        __global float* to = RW_PTR(float, out) + (long)r * block->p.o_r + begin;
#if WIDTH == 16
        if (begin + 16 <= n) {
            vstore16(rw_at16(from, 0), 0, to);
            continue;
        }
#endif
        for (int i = 0; i < min(WIDTH, n - begin); ++i) to[i] = rw_at(from, i);
#endif
    }
}
