// RMS_NORM: every row of dimension 0 is divided by its root mean square; optionally a residual stream is added before,
// and a weight and a gate are multiplied on behind:
//
//   s   = x + residual
//   out = s / sqrt(mean of s^2 over dimension 0 + eps) * weight * gate / (1 + exp(-gate))
//   sum = s
//
//   x, out          [n, n1, n2, n3]   f32. Per-head norms are rows [S, H, T]; out may be x's own memory
//   residual, gate  as x, optional: 0 and 1 when absent
//   weight          [n], optional
//   sum             as x, optional, with residual alone; may be the residual's own memory: the stream goes on in place
//
// Rows are contiguous, other strides are free. A row's sum is taken in one fixed order that depends on n alone, so a
// row has the same bits in any batch. eps >= 0, finite. With eps = 0 a zero row gives NaN, as the equation says. The
// sum of squares of rows whose entries are below 1e-18 is lost in single precision, that of entries above 1e18
// overflows.
#ifndef REWIND_OPS_RMS_NORM_H
#define REWIND_OPS_RMS_NORM_H

#include "rewind/ops/dialect.h"

#define RW_RMS_NORM_FIELDS(I, F)                                           \
    I(n)                     /* elements of a row */                       \
    I(n1) I(n2) I(n3)                                                      \
    I(x_1) I(x_2) I(x_3)     /* elements between neighbours of x */        \
    I(r_1) I(r_2) I(r_3)     /* of residual */                             \
    I(g_1) I(g_2) I(g_3)     /* of gate */                                 \
    I(o_1) I(o_2) I(o_3)     /* of out */                                  \
    I(s_1) I(s_2) I(s_3)     /* of sum */                                  \
    F(eps)
RW_PARAMS(rms_norm_params, RW_RMS_NORM_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::rms_norm {

using Params = rms_norm_params;
using Table = rms_norm_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// NMSE of an f32 row: every factor has an error of its own elements; that of the sum is shared by the row and stays
/// near 1e-7, no partial sum being one of more than a few thousand terms. sum is one rounding.
double tolerance(const Call& call, int arg);

/// Example call from words: n (64), n1, n2, n3 (1) · eps (1e-6) · weight, residual, gate (0|1: 0) · sum (0|1: like
/// residual) · alias (0|1: out over x, sum over residual) · layout=packed|padded|odd|permuted|swapped of x and gate ·
/// rows=normal|huge|zero|keys · stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::rms_norm
#endif
#endif
