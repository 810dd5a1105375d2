// SWIGLU: a gate on the elements of rows, that of a feed-forward layer or, with activation = sigmoid, of attention's
// output,
//
//   out = gate / (1 + exp(-gate)) * up        silu
//   out = up / (1 + exp(-gate))               sigmoid
//
//   up, out  [n, n1, n2, n3]   f32; out may be up's own memory
//   gate     as up, or [1, n1, n2, n3]: one gate a row, that of a shared expert say
//
// Without up, gate is [2 n, n1, n2, n3] and holds both, the n elements of the gate first. Rows are contiguous, other
// strides are free: query and gate of a head may lie side by side in one projection. An element's bits depend on its
// two inputs alone.
#ifndef REWIND_OPS_SWIGLU_H
#define REWIND_OPS_SWIGLU_H

#include "rewind/ops/dialect.h"

#define RW_SWIGLU_FIELDS(I, F)                                             \
    I(n)                     /* elements of a row of out */                \
    I(n1) I(n2) I(n3)                                                      \
    I(g_1) I(g_2) I(g_3)     /* elements between neighbours of gate */     \
    I(u_1) I(u_2) I(u_3)     /* of up; those of gate without it */         \
    I(o_1) I(o_2) I(o_3)     /* of out */                                  \
    I(one)                   /* 1: one gate a row */                       \
    I(halves)                /* 1: up is the second half of gate's rows */ \
    I(sigmoid)               /* activation */
RW_PARAMS(swiglu_params, RW_SWIGLU_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::swiglu {

using Params = swiglu_params;
using Table = swiglu_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// NMSE of an f32 row: a handful of roundings an element.
double tolerance(const Call& call, int arg);

/// Example call from words: n (64), n1, n2, n3 (1) · activation · gate=full|one|halves · alias (0|1: out over up) ·
/// layout=packed|padded|odd|permuted|swapped of gate and up · rows=normal|huge|wide (gates from -100 to 100) ·
/// stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::swiglu
#endif
#endif
