// MUL_MAT where a library multiplies. Equation and shapes: rewind/ops/mul_mat.h.
//
// Both kernels are for the rows [t0, t1) of w, which are columns of out:
//   mul_mat_begin    puts add into out, for the products to be added to
//   mul_mat_expand   writes the rows of w as f32 to `weights`, one behind the other: what the exact kernels multiply by
//
// An item takes four weights of a row, and of rows further on when there are more than the grid is high.
#include "rw.clh"
#include "rewind/ops/mul_mat.h"
#include "mul_mat_args.h"
#include "blocks.clh"

__kernel void mul_mat_begin(RW_KERNEL_ARGS, __global float* weights, int t0, int t1) {
    const int n = t0 + (int)get_global_id(0);
    __global const float* add = RW_PTR(const float, add);
    __global float* out = RW_PTR(float, out);
    if (n >= t1 || (add == out && block->p.a_1 == block->p.o_1)) return;
    for (int r = (int)get_group_id(1); r < block->p.R; r += (int)get_num_groups(1))
        out[(long)r * block->p.o_1 + n] = add[(long)r * block->p.a_1 + n];
}

__kernel void mul_mat_expand(RW_KERNEL_ARGS, __global float* weights, int t0, int t1) {
    const int K = block->p.K, quad = (int)get_global_id(0);
    for (int n = t0 + (int)get_group_id(1); n < t1; n += (int)get_num_groups(1)) {
        rw_bytes row = RW_PTR(const uchar, w) + (long)n * block->p.w_1 * RW_BLOCK_BYTES;
        __global float* to = weights + (long)(n - t0) * K;
        if (4 * quad + 4 <= K) vstore4(rw_weights4(row, (uint)quad), quad, to);
#if W_TYPE <= RW_BF16
        else
            for (int k = 4 * quad; k < K; ++k) to[k] = rw_weight(row, (uint)k);
#endif
    }
}
