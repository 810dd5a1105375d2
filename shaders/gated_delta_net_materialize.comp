#version 450
// GATED_DELTA_NET_MATERIALIZE. Equation and layouts: rewind/ops/gated_delta_net_materialize.h.
//
// Every state element has a recurrence of its own, S <- e S + k d, so there is nothing to share: one invocation an
// element, rows applied in the operations of gated_delta_net_ring.comp. Caller: local 64; grid S_k S_v / 64, H_v, B.
#extension GL_GOOGLE_include_directive : require
#include "rewind/ops/gated_delta_net_materialize.h"
#include "gated_delta_net_materialize_args.h"
#define PARAMS gated_delta_net_materialize_params
#include "block.glsl"
#include "load.glsl"
#include "math.glsl"
#include "slots.glsl"
#include "ring.glsl"

layout(local_size_x = 64) in;

TENSOR_IN(base)
TENSOR_IN(ring_k)
TENSOR_IN(ring_d)
TENSOR_IN(ring_g)
TENSOR_OUT(state)

void main() {
    const int h = int(gl_WorkGroupID.y), b = int(gl_WorkGroupID.z);
    const int row = seq_at(b, b), position = pos_at(b, 0);
    if (row == -1 || position < 0) return;
    if (row < -1 || row >= p.pool) {
        raise(RW_FAULT_SEQ);
        return;
    }
    const uint e = gl_GlobalInvocationID.x, i = e % uint(p.S_k), j = e / uint(p.S_k);
    const uint at = uint(h) * uint(p.S_k * p.S_v) + e;
    const int block = position / p.W, kh = p.heads == RW_HEADS_TILED ? h % p.H_k : h / (p.H_v / p.H_k);
    precise float S = base_get(base_of(row, block), at);
    for (int s = block * p.W; s < position; ++s) {
        const float decay = exp_(ring_g_get(ring_g_row(row, s, h), p.gate == 1 ? 0u : i));
        S = fma(ring_k_get(ring_k_row(row, s, kh), i), ring_d_get(ring_d_row(row, s, h), j), decay * S);
    }
    state_put(skip(start(RW_ARG_state), b, p.state_row), at, S);
}
