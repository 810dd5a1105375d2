// L2_NORM. Equation and shapes: rewind/ops/l2_norm.h.
//
// l2_norm_row: one work-item a row, 16 partial sums in a vector, added in a fixed tree; for CPUs.
// l2_norm_group, when the constant LOCAL is set: one work-group of LOCAL items a row; item i adds up the elements i, i + LOCAL, ..., and the
// LOCAL sums are added in a fixed tree in local memory. Groups go on to the rows further on, `groups` rows away.
#include "rw.clh"
#include "rewind/ops/l2_norm.h"
#include "l2_norm_args.h"
#include "math.clh"
#include "rows.clh"

static float rw_length(float sum, float eps) { return isnan(sum) ? sum : fmax(sqrt(sum), eps); }

#ifndef LOCAL
__kernel void l2_norm_row(RW_KERNEL_ARGS, int t0, int t1) {
    const int r = (int)get_global_id(0), n = block->p.n, whole = n & ~15;
    if (r >= RW_ROWS) return;
    __global const float* x = RW_ROW(const float, x, r, x_1, x_2, x_3);
    __global float* out = RW_ROW(float, out, r, o_1, o_2, o_3);
    float sum = 0.0f;  // of blocks: a single long sum would lose digits
    for (int block_ = 0; block_ < whole; block_ += 16384) {
        float16 sums = 0.0f;
        const int end = min(block_ + 16384, whole);
        for (int i = block_; i < end; i += 16) sums = fma(vload16(0, x + i), vload16(0, x + i), sums);
        sum += rw_sum16(sums);
    }
    for (int i = whole; i < n; ++i) sum = fma(x[i], x[i], sum);
    const float length = rw_length(sum, block->p.eps);
    for (int i = 0; i < whole; i += 16) vstore16(vload16(0, x + i) / length, 0, out + i);
    for (int i = whole; i < n; ++i) out[i] = x[i] / length;
}

#else
__kernel void l2_norm_group(RW_KERNEL_ARGS, int t0, int t1) {
    __local float sums[LOCAL];
    const int n = block->p.n, rows = RW_ROWS, me = (int)get_local_id(0);
    for (int r = (int)get_group_id(0); r < rows; r += (int)get_num_groups(0)) {
        __global const float* x = RW_ROW(const float, x, r, x_1, x_2, x_3);
        __global float* out = RW_ROW(float, out, r, o_1, o_2, o_3);
        float sum = 0.0f;
        for (int i = me; i < n; i += LOCAL) sum = fma(x[i], x[i], sum);
        sums[me] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int half_ = LOCAL / 2; half_ > 0; half_ >>= 1) {
            if (me < half_) sums[me] += sums[me + half_];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        const float length = rw_length(sums[0], block->p.eps);
        for (int i = me; i < n; i += LOCAL) out[i] = x[i] / length;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
#endif
