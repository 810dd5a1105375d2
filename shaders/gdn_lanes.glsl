// One head's state in the registers of eight-lane clusters (lanes.glsl), and one token's work on it. Per token, with
// e = exp(g):
//
//   m = S^T (e k), r = S^T (e q)   one pass over the old state; a scalar gate is taken out of the sums
//   d = beta (v - m), o = scale (r + (k.q) d), S <- e S + k d^T
//
// so that the output needs no second pass. Needs gdn.glsl built with GDN_VEC4, lanes.glsl and TENSOR_OUT(out).
#ifndef REWIND_GDN_LANES_GLSL
#define REWIND_GDN_LANES_GLSL

const int PARTS = S_k >= 32 ? S_k / 32 : 1;  // vec4s of a column in one lane
const uint QUADS = uint(S_k) / 4u;           // vec4s of a column

int lane, column;  // of this invocation: lane in the cluster, first of its four columns
bool live;         // holds data; lanes without take part in the shuffles

// No `precise` on globals: glslang 12 makes invalid modules of it. What is assigned to them is precise instead.
vec4 S[COLUMNS][PARTS];              // columns column .. column + 3, vec4s lane, lane + 8, ...
vec4 token_k[PARTS];                 // the token's key as used
vec4 token_g[PARTS], token_e[PARTS]; // its log decays and decays; of a scalar gate the same in all components
float token_d;                       // lanes 0..3: delta of column `column + lane`

void lanes_place(int group) {
    lane = lane_invocation() & 7;
    column = (group * (int(gl_WorkGroupSize.x) / LANES) + lane_invocation() / LANES) * COLUMNS;
    live = column < S_v && 4 * lane < S_k;
}
/* vec4 of a head-major state that S[c][i] is kept in. */
uint lanes_quad(int h, int c, int i) {
    return (uint(h) * uint(S_v) + uint(column + c)) * QUADS + uint(lane + 8 * i);
}

void lanes_gates(Sequence s, int h, int t) {
    if (CHANNEL == 0) {
        const float g = log_decay(s, h, t, 0), e = exp_(g);
        [[unroll]] for (int i = 0; i < PARTS; ++i) token_g[i] = vec4(g), token_e[i] = vec4(e);
        return;
    }
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        token_g[i] = token_e[i] = vec4(0.0);
        if (4 * lane < S_k)
            [[unroll]] for (int j = 0; j < 4; ++j) {
                token_g[i][j] = log_decay(s, h, t, uint(4 * (lane + 8 * i) + j));
                token_e[i][j] = exp_(token_g[i][j]);
            }
    }
}

/* Token t: writes its output row and returns the deltas of the four columns; lanes_update() then advances S. */
vec4 lanes_token(Sequence s, int b, int h, int t) {
    const Place kr = k_row(s, b, h, t), qr = q_row(s, b, h, t);
    precise vec4 q[PARTS];
    precise float kk = 0.0, qq = 0.0, kq = 0.0;
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        token_k[i] = q[i] = vec4(0.0);
        if (4 * lane < S_k) token_k[i] = k_get4(kr, uint(lane + 8 * i)), q[i] = q_get4(qr, uint(lane + 8 * i));
    }
    if (p.l2norm_eps > 0.0) {
        [[unroll]] for (int i = 0; i < PARTS; ++i)
            [[unroll]] for (int j = 0; j < 4; ++j)
                kk = fma(token_k[i][j], token_k[i][j], kk), qq = fma(q[i][j], q[i][j], qq);
        const float kf = unit_factor(lanes_sum(kk), p.l2norm_eps), qf = unit_factor(lanes_sum(qq), p.l2norm_eps);
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            precise vec4 unit = token_k[i] * kf;
            token_k[i] = unit, q[i] *= qf;
        }
    }
    [[unroll]] for (int i = 0; i < PARTS; ++i)
        [[unroll]] for (int j = 0; j < 4; ++j) kq = fma(token_k[i][j], q[i][j], kq);
    kq = lanes_sum(kq);
    lanes_gates(s, h, t);

    precise vec4 m = vec4(0.0), r = vec4(0.0);  // one component a column
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        precise vec4 ek = token_k[i], eq = q[i];
        if (CHANNEL != 0) ek = ek * token_e[i], eq = eq * token_e[i];
        [[unroll]] for (int c = 0; c < COLUMNS; ++c)
            [[unroll]] for (int j = 0; j < 4; ++j) {
                m[c] = fma(S[c][i][j], ek[j], m[c]);
                r[c] = fma(S[c][i][j], eq[j], r[c]);
            }
    }
    // Lanes 0..3 now get m of one column each, lanes 4..7 r of one column each.
    precise float mine = lanes_transposed_sum(lane, m, r);
    if (CHANNEL == 0) mine = mine * token_e[0].x;
    const uint own = uint(column + (lane & 3));
    precise float d = 0.0;
    if (column < S_v) d = step_size(s, h, t) * (v_get(v_row(s, h, t), own) - mine);
    token_d = d;
    const vec4 delta = lanes_gather(d);
    if (column < S_v && lane >= 4) {
        precise float o = p.scale * fma(kq, delta[lane & 3], mine);
        out_put(o_row(s, h, t), own, o);
    }
    return delta;
}

void lanes_update(vec4 delta) {
    [[unroll]] for (int c = 0; c < COLUMNS; ++c)
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            precise vec4 next = fma(token_k[i], vec4(delta[c]), token_e[i] * S[c][i]);
            S[c][i] = next;
        }
}

#endif
