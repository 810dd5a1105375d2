// SSM_SCAN: the selective state space recurrence of Mamba-2 (and, with head_dim = 1 and a of width d_state, Mamba-1).
//
// Per head h of group e = h / (H / n_group), S in R^{d_state x head_dim}, token t:
//
//   step = softplus(dt_t + dt_bias)      decay = exp(step a)         (step = plain: step = dt_t + dt_bias)
//   S <- decay o S + b_t (step x_t)^T    o_t = S^T c_t  [+ d x_t]
//
// (Dao, Gu: Transformers are SSMs, arXiv 2405.21060.) decay is one number a head when a has width 1, else one an entry
// of the column. The kernels are those of scan.h with S_k = d_state, S_v = head_dim, key b, query c, value step x.
//
// Shapes, ne order, fastest first; all f32:
//   x         [head_dim, H, T, B]      rows contiguous, other strides free, as for b, c and out
//   dt        [H, T, B]
//   a         [1 or d_state, H]        negative for a decay (-exp(A_log))
//   b, c      [d_state, n_group, T, B] H % n_group == 0
//   d         [H]                      optional skip
//   dt_bias   [H]                      optional
//   state     [d_state head_dim H, K_in, P], state_out [d_state head_dim H, K, P]: slots.h; d_state fastest, then
//             head_dim, then the head
//   out       [head_dim, H, T, B]      rows past seq_len are not written
// With `first` the token tensors are [.., N, 1] and seq_len is required.
// Limits: d_state a multiple of 16 in 16..256; head_dim 1 or a multiple of 4, up to 128.
#ifndef REWIND_OPS_SSM_SCAN_H
#define REWIND_OPS_SSM_SCAN_H

#include "rewind/ops/scan.h"

#define RW_STEP_SOFTPLUS 0
#define RW_STEP_PLAIN 1

/* Strides are in elements: _h between heads, _g groups, _t token rows, _b sequences. */
#define RW_SSM_SCAN_FIELDS(I, F)                                           \
    RW_SCAN_FIELDS(I, F)                                                   \
    I(n_group)                                                             \
    I(a_width)  /* 1 or S_k */                                             \
    I(step)     /* RW_STEP_* */                                            \
    I(has_d) I(has_dt_bias)                                                \
    I(x_h) I(x_t) I(x_b) I(dt_t) I(dt_b) I(a_h)                            \
    I(b_g) I(b_t) I(b_b) I(c_g) I(c_t) I(c_b) I(o_h) I(o_t) I(o_b)
RW_PARAMS(ssm_scan_params, RW_SSM_SCAN_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::ssm_scan {

using Params = ssm_scan_params;
using Table = ssm_scan_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);
/// NMSE allowed against the double-precision definition, and why: scan_tolerance in core/ops/scan.h.
double tolerance(const Call& call, int arg);

/// Example call from words: d_state, head_dim, H, n_group · T, B, K, K_in, pool · a_width=scalar|state · skip=0|1 ·
/// bias=0|1 · step, order · layout=packed|permuted|padded|odd|joint (x, b, c as rows of one wider tensor) · len, in_slot,
/// seq, first = lists · alias=0|1 · decays (fill of a), steps=normal|wide|zero (fill of dt), state = fill styles.
Example example(const Dims& dims);

/// Small calls that a device has to get right before its kernels are trusted.
extern const char* const selftest[];

}  // namespace rw::ops::ssm_scan
#endif
#endif
