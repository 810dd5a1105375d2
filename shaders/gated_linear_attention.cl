// GATED_LINEAR_ATTENTION. Equation, shapes and slots: rewind/ops/gated_linear_attention.h. The kernel, its work and its
// tunables: scan.clh.
#include "rw.clh"
#include "rewind/ops/gated_linear_attention.h"
#include "gated_linear_attention_args.h"
#include "math.clh"
#include "slots.clh"

#define SCAN_TOKEN                                                           \
    __global const float* q = SCAN_ROW(const float, q, h, t, q_h, q_t, q_b); \
    __global const float* k = SCAN_ROW(const float, k, h, t, k_h, k_t, k_b); \
    __global const float* v = SCAN_ROW(const float, v, h, t, v_h, v_t, v_b); \
    __global const float* g = SCAN_ROW(const float, g, h, t, g_h, g_t, g_b);
#define SCAN_DECAY(i) SCAN_LOAD(g, i)
#define SCAN_KEY(i) SCAN_LOAD(k, i)
#define SCAN_QUERY(i) SCAN_LOAD(q, i)
#define SCAN_VALUE(j) v[j]
#define SCAN_RESULT(j, y) (block->p.scale * (y))
#define SCAN_OUT SCAN_ROW(float, out, h, t, o_h, o_t, o_b)
#include "scan.clh"

__kernel __attribute__((reqd_work_group_size(LANES * CLUSTERS, 1, 1)))
void gated_linear_attention(RW_KERNEL_ARGS, int t0, int t1) {
    SCAN_BODY
}
