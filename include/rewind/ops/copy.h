// COPY: a tensor into another memory layout, another element type, or both.
//
//   out[i] = x[i], converted
//
//   x, out  [n, n1, n2, n3]   f32, f16 or bf16 each; any strides, also in dimension 0
//
// Conversion to 16 bits rounds to nearest even; what passes the largest finite number becomes infinite, NaN stays NaN.
// bf16 numbers below 1.2e-38 may become zero.
#ifndef REWIND_OPS_COPY_H
#define REWIND_OPS_COPY_H

#include "rewind/ops/dialect.h"

#define RW_COPY_FIELDS(I, F)                                                   \
    I(n) I(n1) I(n2) I(n3)                                                     \
    I(x_0) I(x_1) I(x_2) I(x_3)     /* elements between neighbours of x */     \
    I(o_0) I(o_1) I(o_2) I(o_3)     /* of out */                               \
    I(x_type) I(o_type)
RW_PARAMS(copy_params, RW_COPY_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::copy {

using Params = copy_params;
using Table = copy_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// 0: one rounding, given by the equation. 1e-12 from f16, whose subnormal numbers a device may flush.
double tolerance(const Call& call, int arg);

/// Example call from words: n (64), n1, n2, n3 (1) · type, to=f32|f16|bf16 · layout,
/// outlayout=packed|padded|odd|permuted|swapped|transposed (dimensions 0 and 1 swapped) · x=normal|huge|tiny ·
/// stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::copy
#endif
#endif
