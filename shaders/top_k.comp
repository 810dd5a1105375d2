#version 450
// TOP_K. Equation and shapes: rewind/ops/top_k.h.
//
// Compile-time MERGE: 0: a work-group takes a part of a row, finds its k largest one after the other and the sum of exp
// relative to the first, and leaves in scratch
//
//   [sum, ranks of the largest (k), their ids (k)]   for part `part` of row r at (r * parts + part) * (1 + 2 k)
//
// 1: a work-group merges the parts of a row in the same way. An invocation owns the elements (parts) me, me + local, ...
// and keeps the first of them that comes after all that have been chosen; whose element was chosen looks for its next.
//
// Caller: local is a power of two; grid parts, R and R.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/top_k.h"
#include "top_k_args.h"
#define PARAMS top_k_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "math.glsl"
#include "largest.glsl"

layout(std430, binding = RW_BIND_SCRATCH) buffer RwParts { uint parts[]; };

int part_count() { return (p.V + RW_TOP_K_PART - 1) / RW_TOP_K_PART; }
uint part_at(int r, int part) { return uint(r * part_count() + part) * uint(1 + 2 * p.k); }

#if !MERGE

TENSOR_IN(logits)

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x), part = int(gl_WorkGroupID.x);
    const int begin = part * RW_TOP_K_PART, end = min(begin + RW_TOP_K_PART, p.V);
    for (int r = int(gl_WorkGroupID.y); r < p.R; r += int(gl_NumWorkGroups.y)) {
        const Place row = skip(start(RW_ARG_logits), r, p.x_r);
        const uint to = part_at(r, part);
        Choice mine = Choice(NO_RANK, 0), last = mine;
        float base = 0.0;
        for (int i = 0; i < p.k; ++i) {
            if (i == 0 || (last.id - begin) % local == me) {
                mine = Choice(NO_RANK, 0);
                for (int at = begin + me; at < end; at += local) {
                    const Choice c = Choice(rank_of(logits_get(row, uint(at))), at);
                    if (i == 0 || comes_after(c, last)) mine = largest(mine, c);
                }
            }
            last = group_largest(mine);
            if (me == 0) parts[to + 1u + uint(i)] = last.rank, parts[to + 1u + uint(p.k + i)] = uint(last.id);
            if (i == 0) base = base_of(number_of(last.rank));
            if (last.rank == NO_RANK) break;  // fewer than k: the merge stops here
        }
        precise float sum = 0.0;
        for (int at = begin + me; at < end; at += local) sum = sum + exp_(logits_get(row, uint(at)) - base);
        sum = group_sum(sum);
        if (me == 0) parts[to] = floatBitsToUint(sum);
    }
}

#else

INDEX_OUT(ids)
TENSOR_OUT(prob)

void main() {
    const int me = int(gl_LocalInvocationIndex), local = int(gl_WorkGroupSize.x), count = part_count();
    for (int r = int(gl_WorkGroupID.x); r < p.R; r += int(gl_NumWorkGroups.x)) {
        Choice mine = Choice(NO_RANK, 0), last = mine;
        float base = 0.0, all = 0.0;
        for (int i = 0; i < p.k; ++i) {
            if (i == 0 || last.id / RW_TOP_K_PART % local == me) {
                mine = Choice(NO_RANK, 0);
                for (int part = me; part < count; part += local)
                    for (uint j = 0u, at = part_at(r, part) + 1u; j < uint(p.k) && parts[at + j] != NO_RANK; ++j) {
                        const Choice c = Choice(parts[at + j], int(parts[at + uint(p.k) + j]));
                        if (i > 0 && !comes_after(c, last)) continue;
                        mine = largest(mine, c);
                        break;  // the rest of a part comes after it
                    }
            }
            last = group_largest(mine);
            const float value = number_of(last.rank);
            if (i == 0) {
                base = base_of(value);
                precise float sum = 0.0;
                for (int part = me; part < count; part += local) {
                    const uint at = part_at(r, part);
                    sum = fma(exp_(number_of(parts[at + 1u]) - base), uintBitsToFloat(parts[at]), sum);
                }
                all = group_sum(sum);
            }
            precise float probability = exp_(value - base) / all;
            if (me == 0) {
                ids_set(skip(start(RW_ARG_ids), r, p.i_r), uint(i), last.id);
                prob_put(skip(start(RW_ARG_prob), r, p.p_r), uint(i), probability);
            }
        }
    }
}

#endif
