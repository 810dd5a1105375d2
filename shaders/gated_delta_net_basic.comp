#version 450
// GATED_DELTA_NET, exact path, for any device and any layout (vulkan:basic): no subgroup operations, no 8, 16 or 64-bit
// types. Equation and layouts: rewind/ops/gated_delta_net.h.
//
// One invocation owns one value column, in registers from the first token to the last; 64 of them share the token rows
// of their head in shared memory, staged for four tokens at a time. The arithmetic per token is that of
// gated_delta_net.comp: one pass over the old state gives S^T k and S^T q.
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

const int QUADS = S_k / 4;

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    const int column = int(gl_WorkGroupID.z) * STAGE_LOCAL + int(gl_LocalInvocationIndex);
    const bool live = column < S_v;

    const Sequence s = sequence(b);  // the same for the whole work-group, so the returns below are too
    if (s.n <= t0) return;
    const int slot = input_slot(b);
    if (slot < 0) return;
    const int end = min(s.n, t1);

    const uint head = (uint(h) * uint(S_v) + uint(column)) * uint(S_k);
    const uint carried = uint(b) * uint(p.H_v) * uint(S_v) * uint(S_k) + head;
    precise vec4 S[QUADS];
    const Place from = skip(skip(start(RW_ARG_state), s.row, p.state_row), slot, p.state_slot);
    if (live)
        [[dont_unroll]] for (int i = 0; i < QUADS; ++i) {
            const uint at = 4u * uint(i);
            if (t0 == 0)
                S[i] = vec4(state_get(from, head + at), state_get(from, head + at + 1u), state_get(from, head + at + 2u),
                            state_get(from, head + at + 3u));
            else
                S[i] = vec4(carry[carried + at], carry[carried + at + 1u], carry[carried + at + 2u], carry[carried + at + 3u]);
        }

    for (int first_token = t0; first_token < end; first_token += STAGE_TOKENS) {
        const int tokens = min(STAGE_TOKENS, end - first_token);
        stage(s, b, h, first_token, tokens);
        for (int x = 0; x < tokens && live; ++x) {
            const int t = first_token + x;
            precise vec4 m4 = vec4(0.0), r4 = vec4(0.0);
            [[dont_unroll]] for (int i = 0; i < QUADS; ++i) {
                precise vec4 ek = stage_k[x][i], eq = stage_q[x][i];
                if (CHANNEL != 0) ek = ek * stage_e[x][i], eq = eq * stage_e[x][i];
                m4 = fma(S[i], ek, m4), r4 = fma(S[i], eq, r4);
            }
            precise float m = sum4(m4), r = sum4(r4);
            const float decay = stage_decay[x];
            if (CHANNEL == 0) m = m * decay, r = r * decay;
            precise float d = stage_beta[x] * (v_get(v_row(s, h, t), uint(column)) - m);
            precise float o = p.scale * fma(stage_kq[x], d, r);
            out_put(o_row(s, h, t), uint(column), o);

            const int kept = kept_slot(t, s.n);
            const Place to = skip(skip(start(RW_ARG_state_out), s.row, p.out_row), max(kept, 0), p.out_slot);
            [[dont_unroll]] for (int i = 0; i < QUADS; ++i) {
                const vec4 e = CHANNEL != 0 ? stage_e[x][i] : vec4(decay);
                S[i] = fma(stage_k[x][i], vec4(d), e * S[i]);
                if (kept >= 0)
                    for (int j = 0; j < 4; ++j) state_out_put(to, head + uint(4 * i + j), S[i][j]);
            }
        }
    }
    if (end < s.n && live)
        [[dont_unroll]] for (int i = 0; i < QUADS; ++i)
            for (int j = 0; j < 4; ++j) carry[carried + uint(4 * i + j)] = S[i][j];
}
