// TOP_K: the k largest numbers of every row, in falling order, and how probable they are among all of the row:
//
//   ids[i, r]  = the index of the i-th largest of logits[:, r]; of equal ones the lowest index comes first
//   prob[i, r] = exp(logits[ids[i, r], r]) / sum over v of exp(logits[v, r])
//
//   logits  [V, R]      f32; rows contiguous
//   ids     i32 [k, R]  rows contiguous; k = 1 .. min(64, V). With k = 1 it is what GET_ROWS takes, viewed as [R]
//   prob    [k, R]      f32; rows contiguous
//
// A NaN counts as -infinity when the largest are looked for, so that ids are indices in any case; all probabilities of its
// row are NaN. So they are in a row with +infinity, or with nothing but -infinity.
//
// A row's bits depend on that row and k alone. Sums are taken over parts of the row with fixed bounds, each relative to
// its own largest number.
#ifndef REWIND_OPS_TOP_K_H
#define REWIND_OPS_TOP_K_H

#include "rewind/ops/dialect.h"

#define RW_TOP_K_MOST 64
/* Elements of a part. */
#define RW_TOP_K_PART 4096

#define RW_TOP_K_FIELDS(I, F)                                 \
    I(V)              /* elements of a row */                 \
    I(k)                                                      \
    I(R)              /* rows */                              \
    I(x_r) I(i_r) I(p_r) /* elements between rows of logits, ids, prob */
RW_PARAMS(top_k_params, RW_TOP_K_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::top_k {

using Params = top_k_params;
using Table = top_k_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// ids: 0, they are compared, not computed. prob: NMSE of an f32 row; the error of a difference of logits that are not
/// much larger than one goes into an exponent, and no sum is one of more than a few thousand terms.
double tolerance(const Call& call, int arg);

/// Example call from words: V (100), R (1), k (1) · rows=normal|ties|same|wide (-60 to 60) · layout=packed|padded|odd ·
/// stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::top_k
#endif
#endif
