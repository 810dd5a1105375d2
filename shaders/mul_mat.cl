// MUL_MAT. Equation and shapes: rewind/ops/mul_mat.h.
//
// A work-group of LOCAL items takes a row of w and up to ROWS rows of x: item i the elements 4 (i, i + LOCAL, ...), added
// to one float4 of sums a row of x; then the sums are added in a fixed tree in local memory. Neither ROWS nor R reaches a
// row's arithmetic. Groups go on to further rows of w when the grid has fewer places than there are rows.
//
// LOCAL is a power of two; 1 is for devices that are CPUs.
#include "rw.clh"
#include "rewind/ops/mul_mat.h"
#include "mul_mat_args.h"
#include "math.clh"
#include "blocks.clh"

__kernel void mul_mat(RW_KERNEL_ARGS, int t0, int t1) {
    const int me = (int)get_local_id(0), K = block->p.K, quads = K / 4;
    const int r0 = (int)get_group_id(1) * ROWS, rows = min(ROWS, block->p.R - r0);
    __global const float* x = RW_PTR(const float, x) + (long)r0 * block->p.x_1;
#if LOCAL > 1
    __local float sums[ROWS * LOCAL];
#endif
    for (int n = (int)get_group_id(0); n < block->p.N; n += (int)get_num_groups(0)) {
        rw_bytes weights = RW_PTR(const uchar, w) + (long)n * block->p.w_1 * RW_BLOCK_BYTES;
        float4 sum[ROWS];
        float total[ROWS];
        RW_UNROLL for (int r = 0; r < ROWS; ++r) sum[r] = 0.0f;
        for (int i = me; i < quads; i += LOCAL) {
            const float4 four = rw_weights4(weights, (uint)i);
            RW_UNROLL for (int r = 0; r < ROWS; ++r)
                if (r < rows) sum[r] = fma(four, vload4(i, x + (long)r * block->p.x_1), sum[r]);
        }
#if W_TYPE <= RW_BF16
        for (int k = 4 * quads + me; k < K; k += LOCAL) {
            const float one = rw_weight(weights, (uint)k);
            RW_UNROLL for (int r = 0; r < ROWS; ++r)
                if (r < rows) sum[r].x = fma(one, x[(long)r * block->p.x_1 + k], sum[r].x);
        }
#endif
        RW_UNROLL for (int r = 0; r < ROWS; ++r) total[r] = rw_sum4(sum[r]);
#if LOCAL > 1
        for (int r = 0; r < ROWS; ++r) sums[r * LOCAL + me] = total[r];
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int half_ = LOCAL / 2; half_ > 0; half_ >>= 1) {
            for (int i = me; i < rows * half_; i += LOCAL) {
                const int at = i / half_ * LOCAL + i % half_;
                sums[at] += sums[at + half_];
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
#endif
        for (int r = me; r < rows; r += LOCAL) {
#if LOCAL > 1
            float y = sums[r * LOCAL];
#else
            float y = total[r];
#endif
            if (block->p.has_add) y += RW_PTR(const float, add)[(long)(r0 + r) * block->p.a_1 + n];
            RW_PTR(float, out)[(long)(r0 + r) * block->p.o_1 + n] = y;
        }
#if LOCAL > 1
        barrier(CLK_LOCAL_MEM_FENCE);
#endif
    }
}
