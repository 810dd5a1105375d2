// L2_NORM: every row of dimension 0 is divided by its length,
//
//   out = x / max(|x|, eps)        |x| = sqrt(sum of x^2 over dimension 0)
//
//   x, out  [n, n1, n2, n3]        f32; rows contiguous, other strides free
//
// A row's sum is taken in one fixed order that depends on n alone, so a row has the same bits in any batch. eps >= 0; an
// eps above 0 counts as 1e-18 at least. A zero row gives zeros when eps > 0 and NaN when eps = 0, as the equation says.
// The sum of squares of rows shorter than 1e-18 is lost in single precision, that of rows longer than 1e19 overflows.
#ifndef REWIND_OPS_L2_NORM_H
#define REWIND_OPS_L2_NORM_H

#include "rewind/ops/dialect.h"

#define RW_L2_NORM_FIELDS(I, F)                                         \
    I(n)                     /* elements of a row */                    \
    I(n1) I(n2) I(n3)                                                   \
    I(x_1) I(x_2) I(x_3)     /* elements between neighbours of x */     \
    I(o_1) I(o_2) I(o_3)     /* elements between neighbours of out */   \
    F(eps)
RW_PARAMS(l2_norm_params, RW_L2_NORM_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::l2_norm {

using Params = l2_norm_params;
using Table = l2_norm_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// NMSE of an f32 row. The sum's rounding is shared by a row; no partial sum is one of more than a few thousand terms,
/// which keeps it near 1e-7 for any n.
double tolerance(const Call& call, int arg);

/// Example call from words: n, n1, n2, n3 (1) · eps (1e-6) · layout=packed|padded|odd|permuted|swapped of x ·
/// rows=normal|huge|zero|keys.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::l2_norm
#endif
#endif
