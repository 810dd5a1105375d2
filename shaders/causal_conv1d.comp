#version 450
// CAUSAL_CONV1D. Equation, shapes and slots: rewind/ops/causal_conv1d.h.
//
// One invocation owns one or four (QUADS) channels of one sequence over some tokens, window and weights in registers.
// Compile-time: OUT, KEEP. A short call is one pass, OUT=1 KEEP=1, over all its tokens. A long one is cut into pieces of
// TILE tokens whose outputs are written with KEEP=0 (no state is written, so every piece may read it); then OUT=0 KEEP=1
// writes the slots from the last inputs. One expression for the output in both, hence the same bits. A channel's states
// are read before the invocation that owns them writes any: state_out may be state.
//
// Caller: grid ceil_div(C, WIDTH * local), B, and with OUT=1 KEEP=0 ceil_div(T, TILE); TILE at least 8.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/causal_conv1d.h"
#include "causal_conv1d_args.h"
#define PARAMS causal_conv1d_params
#include "block.glsl"
#include "conv.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int TILE = 16;

#if QUADS
TENSOR_IN4(state)
TENSOR_OUT4(state_out)
#else
TENSOR_IN(state)
TENSOR_OUT(state_out)
#endif

void main() {
    const int c = int(gl_GlobalInvocationID.x) * WIDTH, b = int(gl_WorkGroupID.y);
    if (c >= p.C) return;
    const Sequence s = sequence(b);
    if (s.n == 0) return;
    const int slot = input_slot(b);
    if (slot < 0) return;
    const int first = OUT != 0 ? int(gl_WorkGroupID.z) * TILE : max(0, s.n - p.K);
    const int end = KEEP != 0 ? s.n : min(first + TILE, s.n);
    if (first >= end) return;

    const int WINDOW = TAPS - 1, x_t = p.x_t, o_t = p.o_t, K = p.K, order = p.order, out_slot = p.out_slot;
    const bool silu = p.silu != 0;
    const Place xs = x_row(s), outs = out_row(s);
    const Place slots = skip(start(RW_ARG_state_out), s.row, p.out_row);
    VEC w[TAPS], x[TAPS];
    if (first < WINDOW) {  // inputs of before the call
        const Place from = skip(skip(start(RW_ARG_state), s.row, p.state_row), slot, p.state_slot);
        GET_COLUMNS(state, from, c, TAPS - 1, x)
        for (int t = 0; t < first; ++t) {
            [[unroll]] for (int j = 0; j + 1 < TAPS; ++j) x[j] = x[j + 1];
            x[TAPS - 2] = x_at(skip_typed(xs, t, x_t), c);
        }
    } else {
        [[unroll]] for (int j = 0; j + 1 < TAPS; ++j) x[j] = x_at(skip_typed(xs, first - WINDOW + j, x_t), c);
    }
    VEC bias = VEC(0.0);
    if (OUT != 0) {
        GET_COLUMNS(weight, start(RW_ARG_weight), c, TAPS, w)
        if (present(RW_ARG_bias)) bias = bias_at(c);
    }
    for (int t = first; t < end; ++t) {
        x[TAPS - 1] = x_at(skip_typed(xs, t, x_t), c);
        if (OUT != 0) out_set(skip(outs, t, o_t), c, conv_out(w, x, bias, silu));
        [[unroll]] for (int j = 0; j + 1 < TAPS; ++j) x[j] = x[j + 1];
        const int kept = order == RW_ORDER_TRAILING ? t - (s.n - K) : s.n - 1 - t;
        if (KEEP == 0 || kept < 0 || kept >= K) continue;
        const Place to = skip(slots, kept, out_slot);
        PUT_COLUMNS(state_out, to, c, TAPS - 1, x)
    }
}
