// What the two ring ops share: checks, parameter fields and examples of base, ring_k, ring_d, ring_g and pos.
#pragma once

#include <limits>

#include "core/ops/gdn.h"
#include "rewind/ops/gated_delta_net_ring.h"

namespace rw::ops {

struct RingArgs {
    int pos, seq, base, ring_k, ring_d, ring_g;
};

struct RingSizes {
    int64_t S_k, S_v, H_k, H_v, gate;
};

inline int64_t ring_window(const Call& call, const RingArgs& at) {
    return call.arg[at.ring_k].ne[2] / call.arg[at.base].ne[1];
}

/// B: sequences of the call.
void validate_ring(const Check& check, const Call& call, const RingArgs& at, const RingSizes& s, int64_t B);

template <class Params>
void fill_ring(const Call& call, const RingArgs& at, Params& p) {
    const Tensor &base = call.arg[at.base], &k = call.arg[at.ring_k], &d = call.arg[at.ring_d], &g = call.arg[at.ring_g];
    p.n_base = int32_t(base.ne[1]), p.W = int32_t(ring_window(call, at));
    p.pool = int32_t(base.ne[2]), p.has_seq = bool(call.arg[at.seq]);
    p.base_slot = int32_t(base.stride(1)), p.base_row = int32_t(base.stride(2));
    p.rk_h = int32_t(k.stride(1)), p.rk_t = int32_t(k.stride(2)), p.rk_b = int32_t(k.stride(3));
    p.rd_h = int32_t(d.stride(1)), p.rd_t = int32_t(d.stride(2)), p.rd_b = int32_t(d.stride(3));
    p.rg_h = int32_t(g.stride(1)), p.rg_t = int32_t(g.stride(2)), p.rg_b = int32_t(g.stride(3));
}

/// Words: W n_base pool pos state rowg. Base and rows get plausible contents, so that any pos may be read.
void example_ring(const Dims& dims, Example& example, const RingArgs& at, const RingSizes& s, int64_t B);

}  // namespace rw::ops
