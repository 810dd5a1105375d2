#version 450
// Second pass of GATED_DELTA_NET_RING on the prefill path: stores the key and gate rows of the tokens that are kept,
// after everybody has read the rows that they replace. One work-group a token and head: grid H_v, B, min(T, W n_base).
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#define PARAMS gated_delta_net_ring_params
#include "block.glsl"
#include "gdn.glsl"
#include "ring.glsl"
#include "stage.glsl"

layout(local_size_x = STAGE_LOCAL) in;

TENSOR_OUT(ring_k)
TENSOR_OUT(ring_g)

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    int position;
    const Sequence s = placed(b, position);
    const int t = s.n - 1 - int(gl_WorkGroupID.z), here = position + t;
    if (t < 0 || here < oldest_kept(position + s.n)) return;
    stage(s, b, h, t, 1);
    const Place kr = ring_k_row(s.row, here, key_head(h)), gr = ring_g_row(s.row, here, h);
    for (int i = int(gl_LocalInvocationIndex); i < S_k; i += STAGE_LOCAL) {
        if (stores_key(h)) ring_k_put(kr, uint(i), stage_k[0][i / 4][i % 4]);
        if (i < p.gate) ring_g_put(gr, uint(i), log_decay(s, h, t, uint(i)));
    }
}
