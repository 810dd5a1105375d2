// MUL_MAT: rows of activations times a matrix of weights,
//
//   out[n, r] = sum over k of w[k, n] x[k, r]   [+ add[n, r]]
//
//   w         [K, N]   f32, f16, bf16 or quantised (core/blocks.h); rows packed, K whole blocks
//   x         [K, R]   f32
//   out, add  [N, R]   f32; rows packed; out may be the memory of add
//
// Strides between rows are free. Weights are used with the values their blocks stand for and x as it is: nothing is
// rounded to eight bits on the way, whatever the type.
//
// path: exact gives a row of out the same bits whatever the other rows of the call are, and however many: its sums are
// taken in an order that depends on K and the type of w alone. prefill, for prompts, promises less: the same call, with
// the same shapes and strides, gives the same bits on one device, build and implementation, for any number of threads,
// but a row's may change with the number of rows. Both are within the tolerance.
#ifndef REWIND_OPS_MUL_MAT_H
#define REWIND_OPS_MUL_MAT_H

#include "rewind/ops/dialect.h"

#define RW_MUL_MAT_FIELDS(I, F)                                                                      \
    I(K) I(N) I(R)                                                                                   \
    I(w_type)                /* RW_F32 ... */                                                        \
    I(w_1)                   /* blocks between rows of w; elements, where it is not quantised */     \
    I(x_1) I(o_1) I(a_1)     /* elements between rows of x, out, add */                              \
    I(has_add)                                                                                       \
    I(prefill)               /* 1: bits may depend on R */
RW_PARAMS(mul_mat_params, RW_MUL_MAT_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::mul_mat {

using Params = mul_mat_params;
using Table = mul_mat_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// Mean square error of an element over the mean square of a sum like its own, sum of (w x)^2. Rounding after each of m
/// additions to one partial sum that wanders gives 2^-48 m / 6; m <= K. The bound is some 16 times that: single
/// elements are judged, so four times the usual error has to pass.
double tolerance(const Call& call, int arg);

/// Example call from words: K (64), N (8), R (1) · type=f32|f16|bf16|q8_0|... of w · add=none|apart|over ·
/// layout=packed|padded|odd (rows of w, x, out and add with gaps between) · rows=normal|positive of x · path.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::mul_mat
#endif
#endif
