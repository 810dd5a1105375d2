#version 450
// GATED_DELTA_NET_RING with subgroup shuffles (vulkan:lanes), both paths. Equation and layouts:
// rewind/ops/gated_delta_net_ring.h; how a block is computed: gdn_block.glsl.
//
// Blocks are those of the ring, so the state is read once a call and written only where a block ends, and bits depend
// on positions and data only. Work-group 0 of a head stores its key and gate rows; on the prefill path, where rows may
// be replaced that others still read, that is left to gated_delta_net_ring_rows.comp.
//
// Caller: with ALIGNED every tensor's offset and strides are multiples of 16 bytes; full subgroups of 8 or more lanes,
// local a multiple of the subgroup size; grid H_v, B, ceil_div(S_v, local / 8 * COLS); W = p.W; N, a multiple of 4 that
// divides W, and Q such that the shared memory of gdn_block.glsl fits. The pass is split over tokens when T is long, into pieces of at
// least W that end where a block does; the base in between is in `carry` [S_k, S_v, H_v, B].
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
TENSOR_IO4(ring_d)
TENSOR_IO4(ring_g)
SCRATCH4(carry, 0)

#include "gdn_lanes.glsl"

int position, oldest;  // of the call's first token; first position that is kept

bool keeps(Sequence s, int t) {
    const int next = position + t + 1;
    return next % p.W == 0 && next >= oldest;
}
void keep(Sequence s, int h, int t) {
    if (!live) return;
    const Place to = base_of(s.row, (position + t + 1) / p.W);
    LANES_EACH(h, base_put4(to, quad, S[c][i]);)
}
/* The deltas of token t; every column has one owner. */
void row(Sequence s, int h, int t) {
    if (position + t < oldest || lane >= 4) return;
    const Place dr = ring_d_row(s.row, position + t, h);
    [[unroll]] for (int n = 0; n < GROUPS; ++n)
        if (own_column(n) < S_v) ring_d_put(dr, uint(own_column(n)), token_delta[n][lane]);
}
void key_row(Sequence s, int h, int t, vec4 k[PARTS], vec4 g[PARTS]) {
    const int here = position + t;
    if (p.prefill != 0 || gl_WorkGroupID.z != 0 || here < oldest || 4 * lane >= S_k) return;
    const Place kr = ring_k_row(s.row, here, key_head(h)), gr = ring_g_row(s.row, here, h);
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        if (stores_key(h)) ring_k_put4(kr, uint(lane + 8 * i), k[i]);
        if (CHANNEL != 0) ring_g_put4(gr, uint(lane + 8 * i), g[i]);
    }
    if (CHANNEL == 0 && lane == 0) ring_g_put(gr, 0, g[0].x);
}

/* Rows of earlier calls. */
#define BLOCK_PENDING
vec4 old_key4(Sequence s, int h, int t, int i) {
    return ring_k_get4(ring_k_row(s.row, position + t, key_head(h)), uint(i));
}
vec4 old_gate4(Sequence s, int h, int t, int i) { return ring_g_get4(ring_g_row(s.row, position + t, h), uint(i)); }
float old_gate(Sequence s, int h, int t) { return ring_g_get(ring_g_row(s.row, position + t, h), 0); }
vec4 old_delta4(Sequence s, int h, int t, int column) {
    return ring_d_get4(ring_d_row(s.row, position + t, h), uint(column) / 4u);
}

#include "gdn_block.glsl"

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y), carried = b * p.H_v + h;
    lanes_place(int(gl_WorkGroupID.z));
    const Sequence s = placed(b, position);
    if (s.n <= t0) return;
    oldest = oldest_kept(position + s.n);
    // Pieces of a long call meet where a block does.
    const int begin = t0 - (t0 == 0 ? 0 : (position + t0) % W), end = s.n <= t1 ? s.n : t1 - (position + t1) % W;
    const int place = (position + begin) % W;
    const Place from = base_of(s.row, position / W);
    if (t0 == 0) LANES_EACH(h, S[c][i] = live ? base_get4(from, quad) : vec4(0.0);)
    else LANES_EACH(carried, S[c][i] = live ? carry[quad] : vec4(0.0);)
    block_tokens(s, b, h, begin, end, place, false);
    if (end < s.n && live) LANES_EACH(carried, carry[quad] = S[c][i];)
}
