#version 450
// GATED_DELTA_NET, exact path, with subgroup shuffles (vulkan:lanes). Equation and layouts: rewind/ops/gated_delta_net.h.
//
// One cluster of eight lanes owns four value columns of one head; the state stays in registers from the first token to
// the last, is read once and written once a kept slot, and there is no barrier. Per token, with e = exp(g):
//
//   m = S^T (e k), r = S^T (e q)   one pass over the old state
//   d = beta (v - m), o = scale (r + (k.q) d), S <- e S + k d^T
//
// so that the output needs no second pass. A scalar gate is taken out of the sums.
//
// Caller: every tensor's offset and strides are multiples of 16 bytes; full subgroups of 8 or more lanes, local a
// multiple of the subgroup size; grid H_v, B, ceil_div(S_v, local / 2); the pass is split over tokens when T is long,
// the state in between is in `carry` [S_k, S_v, H_v, B].
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

const int PARTS = S_k >= 32 ? S_k / 32 : 1;  // vec4s of a column in one lane

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    const int lane = lane_invocation() & 7;
    const int column = (int(gl_WorkGroupID.z) * (int(gl_WorkGroupSize.x) / LANES) + lane_invocation() / LANES) * COLUMNS;
    const bool live = column < S_v && 4 * lane < S_k;  // lanes without data take part in the shuffles

    const Sequence s = sequence(b);
    if (s.n <= t0) return;
    const int slot = input_slot(b);
    if (slot < 0) return;
    const int end = min(s.n, t1);

    const uint quads = uint(S_k) / 4u, head = (uint(h) * uint(S_v) + uint(column)) * quads + uint(lane);
    const uint carried = uint(b) * uint(p.H_v) * uint(S_v) * quads + head;
    precise vec4 S[COLUMNS][PARTS];
    const Place from = skip(skip(start(RW_ARG_state), s.row, p.state_row), slot, p.state_slot);
    [[unroll]] for (int c = 0; c < COLUMNS; ++c)
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            const uint at = uint(c) * quads + 8u * uint(i);
            S[c][i] = vec4(0.0);
            if (live) {
                if (t0 == 0) S[c][i] = state_get4(from, head + at);
                else S[c][i] = carry[carried + at];
            }
        }

    for (int t = t0; t < end; ++t) {
        const Place kr = k_row(s, b, h, t), qr = q_row(s, b, h, t);
        precise vec4 k[PARTS], q[PARTS], ek[PARTS], eq[PARTS], e[PARTS];
        precise float kk = 0.0, qq = 0.0;
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            k[i] = q[i] = vec4(0.0);
            if (4 * lane < S_k) k[i] = k_get4(kr, uint(lane + 8 * i)), q[i] = q_get4(qr, uint(lane + 8 * i));
        }
        if (p.l2norm_eps > 0.0) {
            [[unroll]] for (int i = 0; i < PARTS; ++i)
                [[unroll]] for (int j = 0; j < 4; ++j) kk = fma(k[i][j], k[i][j], kk), qq = fma(q[i][j], q[i][j], qq);
            const float kf = unit_factor(lanes_sum(kk), p.l2norm_eps), qf = unit_factor(lanes_sum(qq), p.l2norm_eps);
            [[unroll]] for (int i = 0; i < PARTS; ++i) k[i] *= kf, q[i] *= qf;
        }
        precise float kq = 0.0, decay = 1.0;  // decay: of a scalar gate
        [[unroll]] for (int i = 0; i < PARTS; ++i)
            [[unroll]] for (int j = 0; j < 4; ++j) kq = fma(k[i][j], q[i][j], kq);
        kq = lanes_sum(kq);
        if (CHANNEL != 0) {
            [[unroll]] for (int i = 0; i < PARTS; ++i) {
                e[i] = vec4(0.0);
                if (4 * lane < S_k)
                    [[unroll]] for (int j = 0; j < 4; ++j) e[i][j] = exp_(log_decay(s, h, t, uint(4 * (lane + 8 * i) + j)));
                ek[i] = e[i] * k[i], eq[i] = e[i] * q[i];
            }
        } else {
            decay = exp_(log_decay(s, h, t, 0));
            [[unroll]] for (int i = 0; i < PARTS; ++i) e[i] = vec4(decay), ek[i] = k[i], eq[i] = q[i];
        }

        precise vec4 m = vec4(0.0), r = vec4(0.0);  // one component a column
        [[unroll]] for (int c = 0; c < COLUMNS; ++c)
            [[unroll]] for (int i = 0; i < PARTS; ++i)
                [[unroll]] for (int j = 0; j < 4; ++j) {
                    m[c] = fma(S[c][i][j], ek[i][j], m[c]);
                    r[c] = fma(S[c][i][j], eq[i][j], r[c]);
                }
        // Lanes 0..3 now get m of one column each, lanes 4..7 r of one column each.
        precise float mine = lanes_transposed_sum(lane, m, r);
        if (CHANNEL == 0) mine = mine * decay;
        const int own = column + (lane & 3);
        precise float d = 0.0;
        if (column < S_v) d = step_size(s, h, t) * (v_get(v_row(s, h, t), uint(own)) - mine);
        const vec4 delta = lanes_gather(d);
        if (column < S_v && lane >= 4) {
            precise float o = p.scale * fma(kq, delta[lane & 3], mine);
            out_put(o_row(s, h, t), uint(own), o);
        }
        [[unroll]] for (int c = 0; c < COLUMNS; ++c)
            [[unroll]] for (int i = 0; i < PARTS; ++i) S[c][i] = fma(k[i], vec4(delta[c]), e[i] * S[c][i]);

        const int kept = kept_slot(t, s.n);
        if (kept >= 0 && live) {
            const Place to = skip(skip(start(RW_ARG_state_out), s.row, p.out_row), kept, p.out_slot);
            [[unroll]] for (int c = 0; c < COLUMNS; ++c)
                [[unroll]] for (int i = 0; i < PARTS; ++i) state_out_put4(to, head + uint(c) * quads + 8u * uint(i), S[c][i]);
        }
    }
    if (end < s.n && live)
        [[unroll]] for (int c = 0; c < COLUMNS; ++c)
            [[unroll]] for (int i = 0; i < PARTS; ++i) carry[carried + uint(c) * quads + 8u * uint(i)] = S[c][i];
}
