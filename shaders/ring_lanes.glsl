// The state at a position in the lanes of gdn_lanes.glsl: the base of its block, then the block's rows one after the
// other, in the very operations that first made them. Needs ring.glsl, gdn_lanes.glsl and the ring's tensors.
#ifndef REWIND_RING_LANES_GLSL
#define REWIND_RING_LANES_GLSL

void load_state(int h, int row, int position) {
    const int block = position / p.W;
    const Place from = base_of(row, block);
    LANES_EACH(h, S[c][i] = live ? base_get4(from, quad) : vec4(0.0);)
    for (int at = block * p.W; at < position; ++at) {
        const Place kr = ring_k_row(row, at, key_head(h)), dr = ring_d_row(row, at, h), gr = ring_g_row(row, at, h);
        const float g = CHANNEL == 0 ? exp_(ring_g_get(gr, 0)) : 0.0;
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            const uint quad = uint(lane + 8 * i);
            token_k[i] = vec4(0.0), token_e[i] = vec4(g);
            if (4 * lane >= S_k) continue;
            token_k[i] = ring_k_get4(kr, quad);
            if (CHANNEL != 0)
                [[unroll]] for (int j = 0; j < 4; ++j) token_e[i][j] = exp_(ring_g_get(gr, 4u * quad + uint(j)));
        }
        [[unroll]] for (int n = 0; n < GROUPS; ++n) token_delta[n] = vec4(0.0);
        [[unroll]] for (int c = 0; c < COLS; ++c)
            if (column + c < S_v) token_delta[c / 4][c % 4] = ring_d_get(dr, uint(column + c));
        lanes_update();
    }
}

/* The deltas of the token at a position; every column has one owner. */
void store_deltas(int h, int row, int position) {
    const Place dr = ring_d_row(row, position, h);
    [[unroll]] for (int n = 0; n < GROUPS; ++n)
        if (own_column(n) < S_v && lane < 4) ring_d_put(dr, uint(own_column(n)), token_delta[n][lane]);
}

#endif
