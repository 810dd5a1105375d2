#version 450
// GATED_DELTA_NET_RING, prefill path: chunk-parallel, WY form (gdn_chunk.glsl), with subgroup shuffles (vulkan:chunk).
// Equation and layouts: rewind/ops/gated_delta_net_ring.h.
//
// Stores bases and delta rows; key and gate rows, which others may still be reading, are left to
// gated_delta_net_ring_rows.comp. Caller: as for gated_delta_net_chunk.comp.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#define PARAMS gated_delta_net_ring_params
#define GDN_VEC4
#include "block.glsl"
#include "gdn.glsl"
#include "ring.glsl"
#include "lanes.glsl"

layout(local_size_x_id = 0) in;

TENSOR_OUT(out)
TENSOR_IO4(base)
TENSOR_IN4(ring_k)
TENSOR_IO(ring_d)
TENSOR_IN(ring_g)
SCRATCH4(carry, 0)

#include "gdn_lanes.glsl"
#include "ring_lanes.glsl"

int begin, oldest;  // position of the call's first token, first position that is kept

bool keeps(Sequence s, int t) {
    const int next = begin + t + 1;
    return next % p.W == 0 && next >= oldest;
}
void keep(Sequence s, int h, int t) {
    if (!live) return;
    const Place to = base_of(s.row, (begin + t + 1) / p.W);
    LANES_EACH(h, base_put4(to, quad, S[c][i]);)
}
void row(Sequence s, int h, int t) {
    if (begin + t >= oldest) store_deltas(h, s.row, begin + t);
}

#include "gdn_chunk.glsl"

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    lanes_place(int(gl_WorkGroupID.z));
    const Sequence s = placed(b, begin);
    if (s.n <= t0) return;
    const int end = min(s.n, t1), carried = b * p.H_v + h;
    oldest = oldest_kept(begin + s.n);
    if (t0 == 0) load_state(h, s.row, begin);
    else LANES_EACH(carried, S[c][i] = live ? carry[quad] : vec4(0.0);)
    chunk_tokens(s, b, h, t0, end);
    if (end < s.n && live) LANES_EACH(carried, carry[quad] = S[c][i];)
}
