// TOP_K. Equation and shapes: rewind/ops/top_k.h.
//
// top_k_part: a work-group takes a part of a row, finds its k largest one after the other and the sum of exp relative to
// the first, and leaves in scratch
//
//   [sum, ranks of the largest (k), their ids (k)]   for part `part` of row r at (r * parts + part) * (1 + 2 k)
//
// top_k_merge: a work-group merges the parts of a row in the same way. An item owns the elements (parts) me, me + LOCAL,
// ... and keeps the first of them that comes after all that have been chosen; whose element was chosen looks for its
// next.
#include "rw.clh"
#include "rewind/ops/top_k.h"
#include "top_k_args.h"
#include "math.clh"
#include "largest.clh"

#define PARTS ((block->p.V + RW_TOP_K_PART - 1) / RW_TOP_K_PART)
#define PART_AT(r, part) (parts + ((long)(r) * PARTS + (part)) * (1 + 2 * k))

__kernel void top_k_part(RW_KERNEL_ARGS, __global uint* parts, int t0, int t1) {
    __local rw_choice choices[LOCAL];
    __local float sums[LOCAL];
    const int me = (int)get_local_id(0), part = (int)get_group_id(0), k = block->p.k;
    const int begin = part * RW_TOP_K_PART, end = min(begin + RW_TOP_K_PART, block->p.V);
    for (int r = (int)get_group_id(1); r < block->p.R; r += (int)get_num_groups(1)) {
        __global const float* x = RW_PTR(const float, logits) + (long)r * block->p.x_r;
        __global uint* to = PART_AT(r, part);
        rw_choice mine = 0, last = 0;
        float base = 0.0f;
        for (int i = 0; i < k; ++i) {
            if (i == 0 || ((int)last.y - begin) % LOCAL == me) {
                mine = 0;
                for (int at = begin + me; at < end; at += LOCAL) {
                    const rw_choice c = (rw_choice)(rw_rank(x[at]), (uint)at);
                    if ((i == 0 || rw_after(c, last)) && rw_after(mine, c)) mine = c;
                }
            }
            last = rw_first(mine, choices);
            if (me == 0) to[1 + i] = last.x, to[1 + k + i] = last.y;
            if (i == 0) base = rw_base(rw_number(last.x));
            if (last.x == 0) break;  // fewer than k: the merge stops here
        }
        float sum = 0.0f;
        for (int at = begin + me; at < end; at += LOCAL) sum += rw_exp(x[at] - base);
        sum = rw_group_sum(sum, sums);
        if (me == 0) to[0] = as_uint(sum);
    }
}

__kernel void top_k_merge(RW_KERNEL_ARGS, __global uint* parts, int t0, int t1) {
    __local rw_choice choices[LOCAL];
    __local float sums[LOCAL];
    const int me = (int)get_local_id(0), k = block->p.k, count = PARTS;
    for (int r = (int)get_group_id(0); r < block->p.R; r += (int)get_num_groups(0)) {
        rw_choice mine = 0, last = 0;
        float base = 0.0f, all = 0.0f;
        for (int i = 0; i < k; ++i) {
            if (i == 0 || (int)last.y / RW_TOP_K_PART % LOCAL == me) {
                mine = 0;
                for (int part = me; part < count; part += LOCAL) {
                    __global const uint* from = PART_AT(r, part) + 1;
                    for (int j = 0; j < k && from[j] != 0; ++j) {
                        const rw_choice c = (rw_choice)(from[j], from[k + j]);
                        if (i > 0 && !rw_after(c, last)) continue;
                        if (rw_after(mine, c)) mine = c;
                        break;  // the rest of a part comes after it
                    }
                }
            }
            last = rw_first(mine, choices);
            const float value = rw_number(last.x);
            if (i == 0) {
                base = rw_base(value);
                float sum = 0.0f;
                for (int part = me; part < count; part += LOCAL) {
                    __global const uint* from = PART_AT(r, part);
                    sum = fma(rw_exp(rw_number(from[1]) - base), as_float(from[0]), sum);
                }
                all = rw_group_sum(sum, sums);
            }
            if (me == 0) {
                RW_PTR(int, ids)[(long)r * block->p.i_r + i] = (int)last.y;
                RW_PTR(float, prob)[(long)r * block->p.p_r + i] = rw_exp(value - base) / all;
            }
        }
    }
}
