// MUL_MAT_ID: rows of activations times the matrices of the experts that they go to,
//
//   y[:, u, r] = w[:, :, ids[u, r]] x[:, u, r]
//
//   out[:, u, r] = y[:, u, r]                                                          without weight
//   out[:, 0, r] = sum over u of weight[u, r] y[:, u, r]   [+ add[:, 0, r]]            with weight
//
//   w       [K, N, E]        f32, f16, bf16 or quantised (core/blocks.h); rows packed, K whole blocks
//   x       [K, U or 1, R]   f32; with 1 the experts of a token share its row
//   ids     i32 [U, R]       0..E-1; -1 is padding. Another number raises a fault and is taken for padding
//   weight  [U, R]           f32, optional
//   add     [N, 1, R]        f32, optional, with weight alone
//   out     [N, U, R], with weight [N, 1, R]   f32; with weight it may be the memory of add
//
// Rows are contiguous, strides between them are free. Without weight a padded row of out is not written. With weight it
// adds nothing to the sum, and where all are padded out is not written.
//
// Weights are used with the values their blocks stand for and x as it is. A row of out has the same bits whatever the
// other rows of the call are: sums over k are taken in an order that depends on K and the type of w alone, those over u
// in the order of u.
#ifndef REWIND_OPS_MUL_MAT_ID_H
#define REWIND_OPS_MUL_MAT_ID_H

#include "rewind/ops/dialect.h"

#define RW_MUL_MAT_ID_FIELDS(I, F)                                                                   \
    I(K) I(N) I(E) I(U) I(R)                                                                         \
    I(w_type)                /* RW_F32 ... */                                                        \
    I(w_1) I(w_2)            /* blocks between rows of w, and experts; elements, where not quantised */ \
    I(x_1) I(x_2)            /* elements between rows of x; x_1 = 0 where experts share one */       \
    I(o_1) I(o_2)            /* of out */                                                            \
    I(a_2)                   /* of add */                                                            \
    I(id_r) I(weight_r)      /* of ids, weight */                                                    \
    I(has_weight) I(has_add)
RW_PARAMS(mul_mat_id_params, RW_MUL_MAT_ID_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::mul_mat_id {

using Params = mul_mat_id_params;
using Table = mul_mat_id_params_table;

void validate(const Call& call);
Params params(const Call& call);
/// As if no two rows went to the same expert, until all have been read: where they go is data.
Cost cost(const Call& call);

/// As MUL_MAT, of an element over the mean square of a sum like its own; the sum over u adds little.
double tolerance(const Call& call, int arg);

/// Example call from words: K (64), N (8), E (4), U (2), R (1) · type=f32|f16|bf16|q8_0|... of w · ids=list (numbers
/// that jump about) · x=each|shared · weight (0|1) · add=none|apart|over · layout=packed|padded|odd.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::mul_mat_id
#endif
#endif
