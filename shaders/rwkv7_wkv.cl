// RWKV7_WKV. Equation, shapes and slots: rewind/ops/rwkv7_wkv.h. The kernel, its work and its tunables: scan.clh.
#include "rw.clh"
#include "rewind/ops/rwkv7_wkv.h"
#include "rwkv7_wkv_args.h"
#include "math.clh"
#include "slots.clh"

#define SCAN_TOKEN                                                                   \
    __global const float* r = SCAN_ROW(const float, r, h, t, r_h, r_t, r_b);         \
    __global const float* w = SCAN_ROW(const float, w, h, t, w_h, w_t, w_b);         \
    __global const float* k = SCAN_ROW(const float, k, h, t, k_h, k_t, k_b);         \
    __global const float* v = SCAN_ROW(const float, v, h, t, v_h, v_t, v_b);         \
    __global const float* pair_a = SCAN_ROW(const float, a, h, t, a_h, a_t, a_b);    \
    __global const float* pair_b = SCAN_ROW(const float, b, h, t, b_h, b_t, b_b);
#define SCAN_DECAY(i) SCAN_LOAD(w, i)
#define SCAN_KEY(i) SCAN_LOAD(k, i)
#define SCAN_QUERY(i) SCAN_LOAD(r, i)
#define SCAN_A(i) SCAN_LOAD(pair_a, i)
#define SCAN_B(i) SCAN_LOAD(pair_b, i)
#define SCAN_VALUE(j) v[j]
#define SCAN_RESULT(j, y) (y)
#define SCAN_OUT SCAN_ROW(float, out, h, t, o_h, o_t, o_b)
#include "scan.clh"

__kernel __attribute__((reqd_work_group_size(LANES * CLUSTERS, 1, 1)))
void rwkv7_wkv(RW_KERNEL_ARGS, int t0, int t1) {
    SCAN_BODY
}
