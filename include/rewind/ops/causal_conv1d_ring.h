// CAUSAL_CONV1D_RING: depthwise causal convolution over time with its history in a ring of inputs addressed by absolute
// position, so that rolling back is setting pos. Channel c, position p:
//
//   y[c, p] = bias[c] + sum_{j < d} weight[j, c] x[c, p - (d - 1) + j]        out = y, or y / (1 + exp(-y)) for silu
//
// Inputs at positions < 0 are zero, those before the call come from the ring.
//
//   x, weight, bias, out, seq, first, seq_len: as in causal_conv1d.h and slots.h
//   pos   i32 [B]      position of the sequence's first token in this call; < 0: nothing is touched
//   ring  [C, R, P]    f32, updated in place: the input at position p is row p mod R. Rows contiguous
//
// A call of n tokens reads the rows of the d_conv - 1 positions before pos and then stores its last min(n, R) inputs.
// Any n is right: a row is read before the call replaces it. R >= d_conv - 1 is needed, more is depth of rollback:
// with H the highest end position ever computed, the ring holds the positions [H - R, H), so p can be returned to iff
// p = 0 or H <= R or p >= H - R + d_conv - 1; rolling back does not lower H. To go back wherever GATED_DELTA_NET_RING
// can, which is at most W n_base - 1 positions, R >= W n_base + d_conv - 2. The caller keeps that law.
//
// The result depends on positions and data only, never on how tokens were grouped into calls or what was rolled back,
// and it has the bits of CAUSAL_CONV1D on the same implementation.
#ifndef REWIND_OPS_CAUSAL_CONV1D_RING_H
#define REWIND_OPS_CAUSAL_CONV1D_RING_H

#include "rewind/ops/causal_conv1d.h"

#define RW_CAUSAL_CONV1D_RING_FIELDS(I, F)                            \
    I(T) I(B) I(N) I(packed) I(has_seq) I(has_seq_len) I(pool)        \
    I(R)              /* rows of the ring */                          \
    I(ring_r) I(ring_b) /* elements between rows, pool rows */        \
    RW_CONV_FIELDS(I, F)
RW_PARAMS(causal_conv1d_ring_params, RW_CAUSAL_CONV1D_RING_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::causal_conv1d_ring {

using Params = causal_conv1d_ring_params;
using Table = causal_conv1d_ring_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// As for CAUSAL_CONV1D, the ring like its states.
double tolerance(const Call& call, int arg);

/// Words of causal_conv1d::example without slots (K, K_in, in_slot, order, alias), and R (32), pos=list (0; one value
/// is for all sequences),
/// ringlayout=packed|padded.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::causal_conv1d_ring
#endif
#endif
