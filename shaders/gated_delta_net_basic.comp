#version 450
// GATED_DELTA_NET, exact path, for any device and any layout (vulkan:basic): no subgroup operations, no 8, 16 or 64-bit
// types. Equation and layouts: rewind/ops/gated_delta_net.h.
//
// One invocation owns one value column (gdn_columns.glsl) from the first token to the last; 64 of them share the token
// rows of their head in shared memory, staged for four tokens at a time.
//
// Caller: local 64; grid H_v, B, ceil_div(S_v, 64); the pass is split over tokens (drivers on the CPU bound the loop
// iterations of an invocation), the state in between is in `carry` [S_k, S_v, H_v, B].
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#define PARAMS gated_delta_net_params
#include "block.glsl"
#include "gdn.glsl"
#include "stage.glsl"

layout(local_size_x = STAGE_LOCAL) in;

TENSOR_IN(state)
TENSOR_OUT(state_out)
TENSOR_OUT(out)
SCRATCH(carry, 0)

#include "gdn_columns.glsl"

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    columns_place(int(gl_WorkGroupID.z));
    const Sequence s = sequence(b);  // the same for the whole work-group, so the returns below are too
    if (s.n <= t0) return;
    const int slot = input_slot(b);
    if (slot < 0) return;
    const int end = min(s.n, t1), carried = b * p.H_v + h;

    const Place from = skip(skip(start(RW_ARG_state), s.row, p.state_row), slot, p.state_slot);
    if (live && t0 == 0)
        COLUMNS_EACH(h, S[i] = vec4(state_get(from, at), state_get(from, at + 1u), state_get(from, at + 2u), state_get(from, at + 3u));)
    if (live && t0 != 0) COLUMNS_EACH(carried, S[i] = vec4(carry[at], carry[at + 1u], carry[at + 2u], carry[at + 3u]);)

    for (int staged = t0; staged < end; staged += STAGE_TOKENS) {
        const int tokens = min(STAGE_TOKENS, end - staged);
        stage(s, b, h, staged, tokens);
        for (int x = 0; x < tokens && live; ++x) {
            columns_update(x, columns_token(s, h, staged + x, x));
            const int kept = kept_slot(staged + x, s.n);
            if (kept < 0) continue;
            const Place to = skip(skip(start(RW_ARG_state_out), s.row, p.out_row), kept, p.out_slot);
            COLUMNS_EACH(h, for (int j = 0; j < 4; ++j) state_out_put(to, at + uint(j), S[i][j]);)
        }
    }
    if (end < s.n && live) COLUMNS_EACH(carried, for (int j = 0; j < 4; ++j) carry[at + uint(j)] = S[i][j];)
}
