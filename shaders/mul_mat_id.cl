// MUL_MAT_ID. Equation and shapes: rewind/ops/mul_mat_id.h.
//
// A work-group of LOCAL items takes an element of rows of out: item i the elements 4 (i, i + LOCAL, ...) of a row of w,
// added to one float4 of sums, which are added in a fixed tree in local memory. Without weight group 1 is a pair of a
// token and one of its experts; with weight it is a token, and the group goes through its experts. It goes on to further
// rows of w, and pairs, when the grid has fewer places than there are.
//
// LOCAL is a power of two; 1 is for devices that are CPUs.
#include "rw.clh"
#include "rewind/ops/mul_mat_id.h"
#include "mul_mat_id_args.h"
#include "math.clh"
#include "blocks.clh"

__kernel void mul_mat_id(RW_KERNEL_ARGS, int t0, int t1) {
    const int me = (int)get_local_id(0), K = block->p.K, U = block->p.U, R = block->p.R;
    const int pairs = WEIGHT ? R : U * R, steps = WEIGHT ? U : 1;
#if LOCAL > 1
    __local float sums[LOCAL];
#endif
    for (int pair = (int)get_group_id(1); pair < pairs; pair += (int)get_num_groups(1)) {
        const int r = WEIGHT ? pair : pair / U, u0 = WEIGHT ? 0 : pair % U;
        for (int n = (int)get_group_id(0); n < block->p.N; n += (int)get_num_groups(0)) {
            float sum = 0.0f;
            int any = 0;
            for (int u = u0; u < u0 + steps; ++u) {
                const int expert = RW_PTR(const int, ids)[(long)r * block->p.id_r + u];
                if (expert < -1 || expert >= block->p.E) atomic_or(fault, RW_FAULT_ROW);
                if (expert < 0 || expert >= block->p.E) continue;
                rw_bytes weights = RW_PTR(const uchar, w) +
                                   ((long)expert * block->p.w_2 + (long)n * block->p.w_1) * RW_BLOCK_BYTES;
                __global const float* x = RW_PTR(const float, x) + (long)r * block->p.x_2 + (long)u * block->p.x_1;
                float4 four = 0.0f;
                for (int i = me; i < K / 4; i += LOCAL) four = fma(rw_weights4(weights, (uint)i), vload4(i, x), four);
#if W_TYPE <= RW_BF16
                for (int k = K / 4 * 4 + me; k < K; k += LOCAL) four.x = fma(rw_weight(weights, (uint)k), x[k], four.x);
#endif
                float y = rw_sum4(four);
#if LOCAL > 1
                barrier(CLK_LOCAL_MEM_FENCE);
                sums[me] = y;
                barrier(CLK_LOCAL_MEM_FENCE);
                for (int half_ = LOCAL / 2; half_ > 0; half_ >>= 1) {
                    if (me < half_) sums[me] += sums[me + half_];
                    barrier(CLK_LOCAL_MEM_FENCE);
                }
                y = sums[0];
#endif
                sum = WEIGHT ? fma(RW_PTR(const float, weight)[(long)r * block->p.weight_r + u], y, sum) : y;
                any = 1;
            }
            if (!any || me) continue;
            if (block->p.has_add) sum += RW_PTR(const float, add)[(long)r * block->p.a_2 + n];
            RW_PTR(float, out)[(long)r * block->p.o_2 + (long)u0 * block->p.o_1 + n] = sum;
        }
    }
}
