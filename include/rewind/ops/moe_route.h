// MOE_ROUTE: which experts a token goes to, and with what weight. Of the softmax over all experts the U largest,
//
//   p[e, r]      = exp(logits[e, r]) / sum over all e of exp(logits[e, r])
//   ids[u, r]    = the expert with the u-th largest p; of equal ones the lowest number comes first
//   weight[u, r] = p[ids[u, r], r] / max(sum over u of p[ids[u, r], r], 2^-14)
//
//   logits  [E, R]      f32; rows contiguous; E at most 1024
//   ids     i32 [U, R]  rows contiguous; U = 1 .. min(64, E)
//   weight  [U, R]      f32; rows contiguous
//
// A NaN counts as -infinity when the largest are looked for, so that ids are experts in any case; all weights of its row
// are NaN. A row's bits depend on that row alone.
#ifndef REWIND_OPS_MOE_ROUTE_H
#define REWIND_OPS_MOE_ROUTE_H

#include "rewind/ops/dialect.h"

#define RW_MOE_ROUTE_MOST 64
#define RW_MOE_ROUTE_MOST_EXPERTS 1024
#define RW_MOE_ROUTE_LEAST_SUM 6.103515625e-5f

#define RW_MOE_ROUTE_FIELDS(I, F)                             \
    I(E)              /* experts */                           \
    I(U)              /* of a token */                        \
    I(R)              /* tokens */                            \
    I(x_r) I(i_r) I(w_r) /* elements between rows of logits, ids, weight */
RW_PARAMS(moe_route_params, RW_MOE_ROUTE_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::moe_route {

using Params = moe_route_params;
using Table = moe_route_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// ids: 0, they are compared, not computed. weight: NMSE of an f32 row; the error of a difference of logits goes into an
/// exponent.
double tolerance(const Call& call, int arg);

/// Example call from words: E (32), U (4), R (1) · rows=normal|ties|same|wide (-60 to 60) · layout=packed|padded|odd ·
/// stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::moe_route
#endif
#endif
