#version 450
// GATED_DELTA_NET_RING for any device and any layout (vulkan:basic). Equation and layouts:
// rewind/ops/gated_delta_net_ring.h. To gated_delta_net_basic.comp what gated_delta_net_ring.comp is to
// gated_delta_net.comp: read both of them first. Caller: as for gated_delta_net_basic.comp.
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

TENSOR_OUT(out)
TENSOR_IO(base)
TENSOR_IO(ring_k)
TENSOR_IO(ring_d)
TENSOR_IO(ring_g)
SCRATCH(carry, 0)

#include "gdn_columns.glsl"

void load_state(int h, int row, int position) {
    const int block = position / p.W, local = int(gl_LocalInvocationIndex);
    const Place from = base_of(row, block);
    if (live) COLUMNS_EACH(h, S[i] = vec4(base_get(from, at), base_get(from, at + 1u), base_get(from, at + 2u), base_get(from, at + 3u));)
    const int pending = position - block * p.W;
    for (int done = 0; done < pending; done += STAGE_TOKENS) {
        const int rows = min(STAGE_TOKENS, pending - done), first_row = block * p.W + done;
        barrier();
        for (int x = 0; x < rows; ++x) {
            const Place kr = ring_k_row(row, first_row + x, key_head(h)), gr = ring_g_row(row, first_row + x, h);
            for (int i = local; i < S_k; i += STAGE_LOCAL) {
                stage_k[x][i / 4][i % 4] = ring_k_get(kr, uint(i));
                if (CHANNEL != 0) stage_e[x][i / 4][i % 4] = exp_(ring_g_get(gr, uint(i)));
            }
            if (CHANNEL == 0 && local == x) stage_decay[x] = exp_(ring_g_get(gr, 0));
        }
        barrier();
        for (int x = 0; x < rows && live; ++x)
            columns_update(x, ring_d_get(ring_d_row(row, first_row + x, h), uint(column)));
    }
}

/* Key and gate rows of a staged token, by work-group 0 of its head. */
void store_row(Sequence s, int h, int t, int x, int position) {
    if (p.prefill != 0 || gl_WorkGroupID.z != 0) return;
    const Place kr = ring_k_row(s.row, position, key_head(h)), gr = ring_g_row(s.row, position, h);
    for (int i = int(gl_LocalInvocationIndex); i < S_k; i += STAGE_LOCAL) {
        if (stores_key(h)) ring_k_put(kr, uint(i), stage_k[x][i / 4][i % 4]);
        if (i < p.gate) ring_g_put(gr, uint(i), log_decay(s, h, t, uint(i)));
    }
}

void main() {
    const int h = int(gl_WorkGroupID.x), b = int(gl_WorkGroupID.y);
    columns_place(int(gl_WorkGroupID.z));
    int position;
    const Sequence s = placed(b, position);
    if (s.n <= t0) return;
    const int end = min(s.n, t1), carried = b * p.H_v + h, oldest = oldest_kept(position + s.n);
    if (t0 == 0) load_state(h, s.row, position);
    else if (live) COLUMNS_EACH(carried, S[i] = vec4(carry[at], carry[at + 1u], carry[at + 2u], carry[at + 3u]);)

    for (int staged = t0; staged < end; staged += STAGE_TOKENS) {
        const int tokens = min(STAGE_TOKENS, end - staged);
        stage(s, b, h, staged, tokens);
        for (int x = 0; x < tokens; ++x) {
            const int t = staged + x, here = position + t;
            if (here >= oldest) store_row(s, h, t, x, here);
            if (!live) continue;
            const float d = columns_token(s, h, t, x);
            if (here >= oldest) ring_d_put(ring_d_row(s.row, here, h), uint(column), d);
            const bool completes = (here + 1) % p.W == 0;
            if (t + 1 < s.n || completes) columns_update(x, d);
            if (!completes || here + 1 < oldest) continue;
            const Place to = base_of(s.row, (here + 1) / p.W);
            COLUMNS_EACH(h, for (int j = 0; j < 4; ++j) base_put(to, at + uint(j), S[i][j]);)
        }
    }
    if (end < s.n && live) COLUMNS_EACH(carried, for (int j = 0; j < 4; ++j) carry[at + uint(j)] = S[i][j];)
}
