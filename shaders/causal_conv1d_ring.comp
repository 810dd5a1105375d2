#version 450
// CAUSAL_CONV1D_RING. Equation, shapes and what is stored: rewind/ops/causal_conv1d_ring.h.
//
// One invocation owns one or four (QUADS) channels of one sequence over some tokens, window and weights in registers.
// Compile-time: OUT, KEEP. A short call is one pass, OUT=1 KEEP=1, over all its tokens: the window is read, then rows
// are stored. A long one is cut into pieces of TILE tokens whose outputs are written with KEEP=0 (the ring is left
// alone, so every piece may read it); then OUT=0 KEEP=1 stores the last inputs. One expression for the output in both,
// hence the same bits.
//
// Caller: grid ceil_div(C, WIDTH * local), B, and with KEEP=0 ceil_div(T, TILE), with OUT=0 ceil_div(min(T, R), TILE);
// TILE at least 8.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/causal_conv1d_ring.h"
#include "causal_conv1d_ring_args.h"
#define PARAMS causal_conv1d_ring_params
#include "block.glsl"
#include "conv.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int TILE = 16;

INDEX(pos)
#if QUADS
TENSOR_IO4(ring)
VEC row_at(Place row, int c) { return ring_get4(row, uint(c) / 4u); }
void row_set(Place row, int c, VEC v) { ring_put4(row, uint(c) / 4u, v); }
#else
TENSOR_IO(ring)
VEC row_at(Place row, int c) { return ring_get(row, uint(c)); }
void row_set(Place row, int c, VEC v) { ring_put(row, uint(c), v); }
#endif

void main() {
    const int c = int(gl_GlobalInvocationID.x) * WIDTH, b = int(gl_WorkGroupID.y);
    if (c >= p.C) return;
    const Sequence s = sequence(b);
    const int pos = pos_at(b, 0);
    if (s.n == 0 || pos < 0) return;
    if (pos > 0x7fffffff - s.n) {
        raise(RW_FAULT_POS);
        return;
    }
    const int R = p.R, ring_r = p.ring_r, x_t = p.x_t, o_t = p.o_t;
    const bool silu = p.silu != 0;
    const Place xs = x_row(s), outs = out_row(s), ring = skip(start(RW_ARG_ring), s.row, p.ring_b);
    const int stored = max(0, s.n - R);  // tokens from here on are stored
    const int first = (OUT != 0 ? 0 : stored) + int(gl_WorkGroupID.z) * TILE;
    const int end = OUT != 0 && KEEP != 0 ? s.n : min(first + TILE, s.n);
    if (first >= end) return;

    VEC w[TAPS], x[TAPS], bias = VEC(0.0);
    if (OUT != 0) {
        [[unroll]] for (int j = 0; j + 1 < TAPS; ++j) {
            const int t = first - (TAPS - 1) + j;
            x[j] = VEC(0.0);
            if (t >= 0) x[j] = x_at(skip_typed(xs, t, x_t), c);
            else if (pos + t >= 0) x[j] = row_at(skip(ring, (pos + t) % R, ring_r), c);
        }
        GET_COLUMNS(weight, start(RW_ARG_weight), c, TAPS, w)
        if (present(RW_ARG_bias)) bias = bias_at(c);
    }
    for (int t = first; t < end; ++t) {
        const VEC now = x_at(skip_typed(xs, t, x_t), c);
        if (OUT != 0) {
            x[TAPS - 1] = now;
            out_set(skip(outs, t, o_t), c, conv_out(w, x, bias, silu));
            [[unroll]] for (int j = 0; j + 1 < TAPS; ++j) x[j] = x[j + 1];
        }
        if (KEEP != 0 && t >= stored) row_set(skip(ring, (pos + t) % R, ring_r), c, now);
    }
}
