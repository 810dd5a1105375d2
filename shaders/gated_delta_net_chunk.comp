#version 450
// GATED_DELTA_NET, prefill path: chunk-parallel, WY form (gdn_block.glsl), with subgroup shuffles (vulkan:chunk).
// Equation and layouts: rewind/ops/gated_delta_net.h.
//
// Caller: as for gated_delta_net.comp; split a multiple of the chunk length W; the shared memory of
// gdn_block.glsl fits.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#define PARAMS gated_delta_net_params
#define GDN_VEC4
#include "block.glsl"
#include "gdn.glsl"
#include "lanes.glsl"

layout(local_size_x_id = 0) in;

TENSOR_IN4(state)
TENSOR_OUT4(state_out)
TENSOR_OUT(out)
SCRATCH4(carry, 0)

#include "gdn_lanes.glsl"

bool keeps(Sequence s, int t) { return kept_slot(t, s.n) >= 0; }
void keep(Sequence s, int h, int t) {
    if (!live) return;
    const Place to = skip(skip(start(RW_ARG_state_out), s.row, p.out_row), kept_slot(t, s.n), p.out_slot);
    LANES_EACH(h, state_out_put4(to, quad, S[c][i]);)
}
void row(Sequence s, int h, int t) {}
void key_row(Sequence s, int h, int t, vec4 k[PARTS], vec4 g[PARTS]) {}

#include "gdn_block.glsl"

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    lanes_place(int(gl_WorkGroupID.z));
    const Sequence s = sequence(b);
    if (s.n <= t0) return;
    const int slot = input_slot(b);
    if (slot < 0) return;
    const int end = min(s.n, t1), carried = b * p.H_v + h;

    const Place from = skip(skip(start(RW_ARG_state), s.row, p.state_row), slot, p.state_slot);
    if (t0 == 0) LANES_EACH(h, S[c][i] = live ? state_get4(from, quad) : vec4(0.0);)
    else LANES_EACH(carried, S[c][i] = live ? carry[quad] : vec4(0.0);)
    block_tokens(s, b, h, t0, end, 0, true);
    if (end < s.n && live) LANES_EACH(carried, carry[quad] = S[c][i];)
}
