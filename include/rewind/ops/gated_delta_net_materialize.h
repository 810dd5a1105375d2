// GATED_DELTA_NET_MATERIALIZE: the state of a ring (gated_delta_net_ring.h) after the positions < pos, written out.
//
//   b0 = W floor(pos / W), S = base of that block:   for s in [b0, pos): S <- exp(g_s) S + k_s d_s^T
//
//   base, ring_k, ring_d, ring_g   as in gated_delta_net_ring.h, read only
//   pos     i32 [B]                < 0: nothing is written for that sequence
//   seq     i32 [B], optional (b)  pool row of base and rings; -1: nothing is written
//   state   [S_k S_v H_v, 1, B]    the base's own bits when pos is a multiple of W
//
// For export, the snapshot form and tests: what GATED_DELTA_NET would take as its input state.
#ifndef REWIND_OPS_GATED_DELTA_NET_MATERIALIZE_H
#define REWIND_OPS_GATED_DELTA_NET_MATERIALIZE_H

#include "rewind/ops/gated_delta_net_ring.h"

#define RW_GATED_DELTA_NET_MATERIALIZE_FIELDS(I, F)                     \
    I(S_k) I(S_v) I(H_k) I(H_v) I(heads) I(gate)                        \
    I(B) I(has_seq) I(pool) I(W) I(n_base) I(base_slot) I(base_row)     \
    I(rk_h) I(rk_t) I(rk_b) I(rd_h) I(rd_t) I(rd_b) I(rg_h) I(rg_t) I(rg_b) \
    I(state_row)  /* elements between sequences of state */
RW_PARAMS(gated_delta_net_materialize_params, RW_GATED_DELTA_NET_MATERIALIZE_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::gated_delta_net_materialize {

using Params = gated_delta_net_materialize_params;
using Table = gated_delta_net_materialize_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);
/// As for GATED_DELTA_NET.
double tolerance(const Call& call, int arg);
/// Words: S S_k S_v H_k H_v gate heads B pool seq=list pos=list W n_base state rowg (style of ring_g).
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::gated_delta_net_materialize
#endif
#endif
