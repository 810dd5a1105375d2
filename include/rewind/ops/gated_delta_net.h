// GATED_DELTA_NET: the gated delta rule with state snapshots.
//
// Per value head, S in R^{S_k x S_v}, token t (g is a log decay; a vector over S_k when the gate is per channel):
//
//   S <- exp(g_t) S            d = beta_t (v_t - S^T k_t)
//   S <- S + k_t d^T           o_t = scale S^T q_t
//
// (Yang, Kautz, Hatamizadeh: Gated Delta Networks, arXiv 2412.06464; the per-channel gate is Kimi Delta Attention,
// arXiv 2510.26692.) Value head h uses query/key head h mod H_k (heads = tiled) or h / (H_v / H_k) (interleaved).
//
// Shapes, ne order, fastest first:
//   q, k      [S_k, H_k, T, B]      f32 | f16 | bf16, one type for q, k, v; rows contiguous, other strides free; q and k
//                                   of sequence b come from b mod their own B
//   v         [S_v, H_v, T, B]
//   g         [1 or S_k, H_v, T, B] natural log of the decay. raw_gates: alpha, g = softplus(alpha + dt_bias) a
//   beta      [1, H_v, T, B]        raw_gates: a logit, beta = sigmoid
//   dt_bias   [1 or S_k, H_v]       raw_gates only
//   a         [H_v]                 raw_gates only; negative for a decay (-exp(A_log))
//   state     [S_k S_v H_v, K_in, P], state_out [S_k S_v H_v, K, P]: slots.h. Within a slot element (i, j, h) of S is at
//             i + S_k (j + S_v h): the S_k entries of one value column are contiguous
//   out       [S_v, H_v, T, B]      rows past seq_len are not written
// With `first` the token tensors are [.., H, N, 1]; q and k are not broadcast then, and seq_len is required.
//
// path: exact is token-sequential arithmetic, the same bits for every partition of the tokens into calls; prefill is
// chunk-parallel (WY form), within tolerance of it; auto = exact when T <= RW_GDN_EXACT_TOKENS, else prefill.
// scale 0 means 1/sqrt(S_k). l2norm_eps > 0: q and k rows are divided by max(|x|, eps) first, an eps below
// 1e-18 counting as that; rows longer than 1e19 overflow.
// max_len: slots.h; for packed tokens it is the T that path = auto goes by.
#ifndef REWIND_OPS_GATED_DELTA_NET_H
#define REWIND_OPS_GATED_DELTA_NET_H

#include "rewind/ops/slots.h"

#define RW_GDN_EXACT_TOKENS 16 /* path = auto: exact up to here */
#define RW_HEADS_TILED 0
#define RW_HEADS_INTERLEAVED 1

/* Fields that every gated delta op has. Strides are in elements of the tensor's own type. */
#define RW_GDN_FIELDS(I, F)                                                  \
    I(S_k) I(S_v) I(H_k) I(H_v)                                              \
    I(B_q) I(B_k)   /* sequences that q, k hold */                           \
    I(heads)        /* RW_HEADS_* */                                         \
    I(gate)         /* width of g: 1 or S_k */                               \
    I(raw_gates)                                                             \
    I(qkv_type)     /* RW_F32 | RW_F16 | RW_BF16 */                          \
    I(prefill)      /* 1: the prefill path was asked for */                  \
    I(q_h) I(q_t) I(q_b) I(k_h) I(k_t) I(k_b) I(v_h) I(v_t) I(v_b)           \
    I(g_h) I(g_t) I(g_b) I(beta_h) I(beta_t) I(beta_b) I(o_h) I(o_t) I(o_b)  \
    I(dt_h)         /* elements between heads of dt_bias */                  \
    F(scale) F(l2norm_eps)

#define RW_GATED_DELTA_NET_FIELDS(I, F) RW_SLOT_FIELDS(I, F) RW_GDN_FIELDS(I, F)
RW_PARAMS(gated_delta_net_params, RW_GATED_DELTA_NET_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::gated_delta_net {

using Params = gated_delta_net_params;
using Table = gated_delta_net_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// NMSE allowed against the double-precision definition, per slot and head. f32 rounding errors of a recurrence with
/// unit keys stay near 1e-13; 1e-7 is the bar of the field, kept for both paths and all input types (16-bit inputs are
/// exact numbers to both sides, so their type does not enter).
double tolerance(const Call& call, int arg);

/// Example call from words: S or S_k, S_v · H_k, H_v · T, B, K, K_in, pool · gate=scalar|channel · order, heads, path ·
/// type=f32|f16|bf16 · layout=packed|permuted|padded · Bq · len=list · in_slot=list · seq=list · first=list ·
/// max_len · stridden=gap ·
/// l2norm=eps · raw=0|1 · scale · alias=0|1 · keys, gates, betas, state = fill styles.
Example example(const Dims& dims);

/// Small calls that a device has to get right before its kernels are trusted.
extern const char* const selftest[];

}  // namespace rw::ops::gated_delta_net
#endif
#endif
