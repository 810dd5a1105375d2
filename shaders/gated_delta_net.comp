#version 450
// GATED_DELTA_NET token by token, with subgroup shuffles (vulkan:lanes): the exact path, and prefill where that is
// faster than chunks. Equation and layouts: rewind/ops/gated_delta_net.h.
//
// One cluster of eight lanes owns COLS value columns of one head (gdn_lanes.glsl); the state stays in registers from
// the first token to the last, is read once and written once a kept slot, and there is no barrier.
//
// Caller: with ALIGNED the offsets and strides of q, k and the states are multiples of 16 bytes; full subgroups of 8 or
// more lanes, local a multiple of the subgroup size; grid H_v, B, ceil_div(S_v, local / 8 * COLS); the pass is split over
// tokens when T is long, the state in between is in `carry` [S_k, S_v, H_v, B].
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
    for (int t = t0; t < end; ++t) {
        lanes_token(s, b, h, t);
        lanes_update();
        const int kept = kept_slot(t, s.n);
        if (kept < 0 || !live) continue;
        const Place to = skip(skip(start(RW_ARG_state_out), s.row, p.out_row), kept, p.out_slot);
        LANES_EACH(h, state_out_put4(to, quad, S[c][i]);)
    }
    if (end < s.n && live) LANES_EACH(carried, carry[quad] = S[c][i];)
}
