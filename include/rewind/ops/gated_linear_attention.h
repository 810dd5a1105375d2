// GATED_LINEAR_ATTENTION: linear attention with a decay per key channel.
//
// Per head, S in R^{S_k x S_v}, token t:
//
//   S[i][j] <- g_i S[i][j] + k_i v_j         o_j = scale sum_i q_i S[i][j]
//
// (Yang et al.: Gated Linear Attention Transformers, arXiv 2312.06635.) g is the decay factor itself, not its logarithm.
// The kernels are those of scan.h: decay g, key k, query q, value v.
//
// Shapes, ne order, fastest first; all f32:
//   q, k, g   [S_k, H, T, B]        rows contiguous, other strides free, as for v and out
//   v         [S_v, H, T, B]
//   state     [S_k S_v H, K_in, P], state_out [S_k S_v H, K, P]: slots.h; element (i, j, h) is at i + S_k (j + S_v h).
//             ggml's GATED_LINEAR_ATTN keeps the transposed matrix of each head, element (i, j, h) at j + S (i + S h):
//             transpose when exchanging states with it
//   out       [S_v, H, T, B]        rows past seq_len are not written
// With `first` the token tensors are [.., N, 1] and seq_len is required. scale 0 means 1/sqrt(S_k).
// Limits: S_k and S_v multiples of 16 in 16..256.
#ifndef REWIND_OPS_GATED_LINEAR_ATTENTION_H
#define REWIND_OPS_GATED_LINEAR_ATTENTION_H

#include "rewind/ops/scan.h"

/* Strides are in elements: _h between heads, _t token rows, _b sequences. */
#define RW_GATED_LINEAR_ATTENTION_FIELDS(I, F)                                            \
    RW_SCAN_FIELDS(I, F)                                                                  \
    I(q_h) I(q_t) I(q_b) I(k_h) I(k_t) I(k_b) I(v_h) I(v_t) I(v_b) I(g_h) I(g_t) I(g_b)   \
    I(o_h) I(o_t) I(o_b)                                                                  \
    F(scale)
RW_PARAMS(gated_linear_attention_params, RW_GATED_LINEAR_ATTENTION_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::gated_linear_attention {

using Params = gated_linear_attention_params;
using Table = gated_linear_attention_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);
/// NMSE allowed against the double-precision definition, and why: scan_tolerance in core/ops/scan.h.
double tolerance(const Call& call, int arg);

/// Example call from words: S or S_k, S_v · H · T, B, K, K_in, pool · scale · order · layout=packed|permuted|padded|odd ·
/// len, in_slot, seq, first = lists · alias=0|1 · decays, state = fill styles.
Example example(const Dims& dims);

/// Small calls that a device has to get right before its kernels are trusted.
extern const char* const selftest[];

}  // namespace rw::ops::gated_linear_attention
#endif
#endif
