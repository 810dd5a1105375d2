// SSM_SCAN. Equation, shapes and slots: rewind/ops/ssm_scan.h. The kernel, its work and its tunables: scan.clh.
// Constants: SHARED, 1 when a has width 1 and a head's decay is one number.
#include "rw.clh"
#include "rewind/ops/ssm_scan.h"
#include "ssm_scan_args.h"
#include "math.clh"
#include "slots.clh"

#define SCAN_TOKEN                                                                      \
    const int group = h / (block->p.H / block->p.n_group);                              \
    __global const float* x_row = SCAN_ROW(const float, x, h, t, x_h, x_t, x_b);        \
    __global const float* b_row = SCAN_ROW(const float, b, group, t, b_g, b_t, b_b);    \
    __global const float* c_row = SCAN_ROW(const float, c, group, t, c_g, c_t, c_b);    \
    const float step = SSM_STEP(t);                                                     \
    SSM_SHARED_DECAY
#define SSM_RAW(t)                                                                                      \
    (RW_PTR(const float, dt)[h + (long)(s.token + (t)) * block->p.dt_t + (long)s.b * block->p.dt_b] + \
     (block->p.has_dt_bias ? RW_PTR(const float, dt_bias)[h] : 0.0f))
#define SSM_STEP(t) (block->p.step == RW_STEP_SOFTPLUS ? rw_softplus(SSM_RAW(t)) : SSM_RAW(t))
#define SSM_A (RW_PTR(const float, a) + (long)h * block->p.a_h)
#if SHARED
#define SSM_SHARED_DECAY const float shared_decay = rw_exp(step * *SSM_A);
#define SCAN_DECAY(i) ((VEC)shared_decay)
#else
#define SSM_SHARED_DECAY
#define SCAN_DECAY(i) RW_JOIN(rw_exp, WIDTH)(step * SCAN_LOAD(SSM_A, i))
#endif
#define SCAN_KEY(i) SCAN_LOAD(b_row, i)
#define SCAN_QUERY(i) SCAN_LOAD(c_row, i)
#define SCAN_VALUE(j) (step * x_row[j])
#define SCAN_RESULT(j, y) (block->p.has_d ? (y) + RW_PTR(const float, d)[h] * x_row[j] : (y))
#define SCAN_OUT SCAN_ROW(float, out, h, t, o_h, o_t, o_b)
#include "scan.clh"

__kernel __attribute__((reqd_work_group_size(LANES * CLUSTERS, 1, 1)))
void ssm_scan(RW_KERNEL_ARGS, int t0, int t1) {
    SCAN_BODY
}
