// RWKV7_WKV: the time mixing recurrence of RWKV-7.
//
// Per head, S in R^{S x S} with one row an output channel i, token t:
//
//   u_i = sum_j a_j S[i][j]
//   S[i][j] <- w_j S[i][j] + v_i k_j + u_i b_j         o_i = sum_j r_j S[i][j]
//
// (Peng et al.: RWKV-7 "Goose", arXiv 2503.14456.) w is the decay factor itself, not its logarithm; a and b are the
// removal pair, -kappa and kappa o eta in the paper's letters. The kernels are those of scan.h with S_k = S_v = S:
// decay w, key k, query r, value v, a column there being a row here.
//
// Shapes, ne order, fastest first; all f32:
//   r, w, k, v, a, b   [S, H, T, B]        rows contiguous, other strides free, as for out
//   state              [S S H, K_in, P], state_out [S S H, K, P]: slots.h; element (i, j, h) is at j + S (i + S h)
//   out                [S, H, T, B]        rows past seq_len are not written
// With `first` the token tensors are [.., N, 1] and seq_len is required.
// Limits: S a multiple of 16 in 16..256.
#ifndef REWIND_OPS_RWKV7_WKV_H
#define REWIND_OPS_RWKV7_WKV_H

#include "rewind/ops/scan.h"

/* Strides are in elements: _h between heads, _t token rows, _b sequences. */
#define RW_RWKV7_WKV_FIELDS(I, F)                                                         \
    RW_SCAN_FIELDS(I, F)                                                                  \
    I(r_h) I(r_t) I(r_b) I(w_h) I(w_t) I(w_b) I(k_h) I(k_t) I(k_b) I(v_h) I(v_t) I(v_b)   \
    I(a_h) I(a_t) I(a_b) I(b_h) I(b_t) I(b_b) I(o_h) I(o_t) I(o_b)
RW_PARAMS(rwkv7_wkv_params, RW_RWKV7_WKV_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::rwkv7_wkv {

using Params = rwkv7_wkv_params;
using Table = rwkv7_wkv_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);
/// NMSE allowed against the double-precision definition, and why: scan_tolerance in core/ops/scan.h.
double tolerance(const Call& call, int arg);

/// Example call from words: S, H · T, B, K, K_in, pool · order · layout=packed|permuted|padded|odd · len, in_slot, seq,
/// first = lists · alias=0|1 · decays, removal=paired (b = -u o a, a of length 1: what the model does)|free|none,
/// state = fill styles.
Example example(const Dims& dims);

/// Small calls that a device has to get right before its kernels are trusted.
extern const char* const selftest[];

}  // namespace rw::ops::rwkv7_wkv
#endif
#endif
