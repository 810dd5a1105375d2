// CAUSAL_CONV1D: depthwise causal convolution over time, its history kept in slots.
//
// Channel c, token t, d = d_conv taps, the oldest first:
//
//   y[c, t] = bias[c] + sum_{j < d} weight[j, c] x[c, t - (d - 1) + j]        out = y, or y / (1 + exp(-y)) for silu
//
// Inputs before the call (t < 0) come from the state, which holds the last d - 1 inputs.
//
// Shapes, ne order, fastest first:
//   x          [C, T, B]             f32 | f16 | bf16; rows contiguous, other strides free
//   weight     [d_conv, C]           packed; d_conv 2..9
//   bias       [C]                   packed; 0 when absent
//   state      [(d_conv-1) C, K_in, P], state_out [(d_conv-1) C, K, P]: slots.h. Within a slot the d_conv - 1 inputs of
//              one channel are contiguous, oldest first: input t - (d_conv-1) + j of channel c at j + (d_conv-1) c
//   out        [C, T, B]             rows past seq_len are not written
// With `first` the token tensors are [C, N, 1], and seq_len is required.
//
// The taps are added in order to the bias, each by one fused multiply-add where the device has it, for any T: the same
// bits for every partition of the tokens into calls. Inputs are kept as they came, so states are exact.
#ifndef REWIND_OPS_CAUSAL_CONV1D_H
#define REWIND_OPS_CAUSAL_CONV1D_H

#include "rewind/ops/slots.h"

#define RW_CONV_MAX_TAPS 9

/* Fields that both forms have. Strides are in elements of the tensor's own type. */
#define RW_CONV_FIELDS(I, F)                                  \
    I(C)           /* channels */                             \
    I(d_conv)      /* taps */                                 \
    I(silu)        /* 1: activation = silu */                 \
    I(has_bias)                                               \
    I(x_type)      /* RW_F32 | RW_F16 | RW_BF16 */            \
    I(x_t) I(x_b)  /* between tokens, sequences of x */       \
    I(o_t) I(o_b)  /* between tokens, sequences of out */

#define RW_CAUSAL_CONV1D_FIELDS(I, F) RW_SLOT_FIELDS(I, F) RW_CONV_FIELDS(I, F)
RW_PARAMS(causal_conv1d_params, RW_CAUSAL_CONV1D_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::causal_conv1d {

using Params = causal_conv1d_params;
using Table = causal_conv1d_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// out: NMSE of a sum of at most ten f32 terms and one exp is near 1e-14; 1e-12 allows each step ten times its half
/// ulp. state_out: 0, inputs are only moved (f16: a device may flush subnormal inputs, all below 6.2e-5).
double tolerance(const Call& call, int arg);

/// Example call from words: C, d_conv (4), T, B, K, K_in, pool · order · activation=none|silu · bias=0|1 (1) ·
/// type=f32|f16|bf16 · layout=packed|padded|odd|swapped of x and out · x=normal|huge|zero · len, in_slot, seq, first=list ·
/// alias=0|1 · state = fill style.
Example example(const Dims& dims);

/// Small calls that a device has to get right before its kernels are trusted.
extern const char* const selftest[];

}  // namespace rw::ops::causal_conv1d
#endif
#endif
