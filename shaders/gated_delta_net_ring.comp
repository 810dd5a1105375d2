#version 450
// GATED_DELTA_NET_RING with subgroup shuffles (vulkan:lanes). Equation and layouts: rewind/ops/gated_delta_net_ring.h.
//
// As gated_delta_net.comp, with the state made from its block's base by applying the rows before the first token, in
// registers and in the very operations that first made them: bits depend on positions only. The state is read once a
// call and written only where a block ends. Work-group 0 of a head stores its key and gate rows; on the prefill path,
// where rows may be replaced that others still read, that is left to gated_delta_net_ring_rows.comp.
//
// Caller: as for gated_delta_net.comp.
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
TENSOR_IO4(ring_k)
TENSOR_IO(ring_d)
TENSOR_IO(ring_g)
SCRATCH4(carry, 0)

#include "gdn_lanes.glsl"
#include "ring_lanes.glsl"

void store_row(int h, int row, int position) {
    store_deltas(h, row, position);
    if (p.prefill != 0 || column != 0 || 4 * lane >= S_k) return;
    if (stores_key(h))
        [[unroll]] for (int i = 0; i < PARTS; ++i)
            ring_k_put4(ring_k_row(row, position, key_head(h)), uint(lane + 8 * i), token_k[i]);
    const Place gr = ring_g_row(row, position, h);
    if (CHANNEL != 0) {
        [[unroll]] for (int i = 0; i < PARTS; ++i)
            [[unroll]] for (int j = 0; j < 4; ++j) ring_g_put(gr, uint(4 * (lane + 8 * i) + j), token_g[i][j]);
    } else if (lane == 0) {
        ring_g_put(gr, 0, token_g[0].x);
    }
}

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    lanes_place(int(gl_WorkGroupID.z));
    int position;
    const Sequence s = placed(b, position);
    if (s.n <= t0) return;
    const int end = min(s.n, t1), carried = b * p.H_v + h, oldest = oldest_kept(position + s.n);
    if (t0 == 0) load_state(h, s.row, position);
    else LANES_EACH(carried, S[c][i] = live ? carry[quad] : vec4(0.0);)
    for (int t = t0; t < end; ++t) {
        const int here = position + t;
        lanes_token(s, b, h, t);
        if (here >= oldest) store_row(h, s.row, here);
        const bool completes = (here + 1) % p.W == 0;
        if (t + 1 < s.n || completes) lanes_update();  // nobody needs the state after the last token otherwise
        if (!completes || here + 1 < oldest || !live) continue;
        const Place to = base_of(s.row, (here + 1) / p.W);
        LANES_EACH(h, base_put4(to, quad, S[c][i]);)
    }
    if (end < s.n && live) LANES_EACH(carried, carry[quad] = S[c][i];)
}
