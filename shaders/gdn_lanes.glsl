// One head's state in the registers of eight-lane clusters (lanes.glsl), and one token's work on it. Per token, with
// e = exp(g):
//
//   m = S^T (e k), r = S^T (e q)   one pass over the old state; a scalar gate is taken out of the sums
//   d = beta (v - m), o = scale (r + (k.q) d), S <- e S + k d^T
//
// so that the output needs no second pass. Needs gdn.glsl built with GDN_VEC4, lanes.glsl and TENSOR_OUT(out).
#ifndef REWIND_GDN_LANES_GLSL
#define REWIND_GDN_LANES_GLSL

layout(constant_id = 15) const int COLS = 4;  // columns that a cluster holds: 4 or 8
const int GROUPS = COLS / 4;
const int PARTS = S_k >= 32 ? S_k / 32 : 1;  // vec4s of a column in one lane
const uint QUADS = uint(S_k) / 4u;           // vec4s of a column

int lane, column;  // of this invocation: lane in the cluster, first of its COLS columns
bool live;         // holds data; lanes without take part in the shuffles

// No `precise` on globals: glslang 12 makes invalid modules of it. What is assigned to them is precise instead.
vec4 S[COLS][PARTS];                 // columns column .. column + COLS - 1, vec4s lane, lane + 8, ...
vec4 token_k[PARTS];                 // the token's key as used
vec4 token_g[PARTS], token_e[PARTS]; // its log decays and decays; of a scalar gate the same in all components
vec4 token_delta[GROUPS];            // its deltas, of four columns each, in all lanes

void lanes_place(int group) {
    lane = lane_invocation() & 7;
    column = (group * (int(gl_WorkGroupSize.x) / LANES) + lane_invocation() / LANES) * COLS;
    live = column < S_v && 4 * lane < S_k;
}
/* vec4 of a head-major state that S[c][i] is kept in. */
uint lanes_quad(int h, int c, int i) {
    return (uint(h) * uint(S_v) + uint(column + c)) * QUADS + uint(lane + 8 * i);
}

/* A statement for each vec4 S[c][i] of this lane: `quad` is its place in a head-major state of head number `head`. */
#define LANES_EACH(head, statement)                              \
    [[unroll]] for (int c = 0; c < COLS; ++c)                    \
        [[unroll]] for (int i = 0; i < PARTS; ++i) {             \
            const uint quad = lanes_quad(head, c, i);            \
            statement                                            \
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

/* The column of which lanes 0..3 get m and lanes 4..7 get r from lanes_transposed_sum(). */
int own_column(int group) { return column + 4 * group + (lane & 3); }

/* The token's key and query, normalised if asked for. */
void lanes_rows(Sequence s, int b, int h, int t, out vec4 k[PARTS], out vec4 q[PARTS]) {
    const Place kr = k_row(s, b, h, t), qr = q_row(s, b, h, t);
    precise float kk = 0.0, qq = 0.0;
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        k[i] = q[i] = vec4(0.0);
        if (4 * lane < S_k) k[i] = k_get4(kr, uint(lane + 8 * i)), q[i] = q_get4(qr, uint(lane + 8 * i));
    }
    if (p.l2norm_eps > 0.0) {
        [[unroll]] for (int i = 0; i < PARTS; ++i)
            [[unroll]] for (int j = 0; j < 4; ++j) kk = fma(k[i][j], k[i][j], kk), qq = fma(q[i][j], q[i][j], qq);
        const float kf = unit_factor(lanes_sum(kk), p.l2norm_eps), qf = unit_factor(lanes_sum(qq), p.l2norm_eps);
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            precise vec4 unit_k = k[i] * kf, unit_q = q[i] * qf;
            k[i] = unit_k, q[i] = unit_q;
        }
    }
}

/* Token t: writes its output row, leaves its deltas in token_delta; lanes_update() then advances S. */
void lanes_token(Sequence s, int b, int h, int t) {
    vec4 q[PARTS];
    lanes_rows(s, b, h, t, token_k, q);
    precise float kq = 0.0;
    [[unroll]] for (int i = 0; i < PARTS; ++i)
        [[unroll]] for (int j = 0; j < 4; ++j) kq = fma(token_k[i][j], q[i][j], kq);
    kq = lanes_sum(kq);
    lanes_gates(s, h, t);

    precise vec4 m[GROUPS], r[GROUPS];  // one component a column
    [[unroll]] for (int n = 0; n < GROUPS; ++n) m[n] = r[n] = vec4(0.0);
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        precise vec4 ek = token_k[i], eq = q[i];
        if (CHANNEL != 0) ek = ek * token_e[i], eq = eq * token_e[i];
        [[unroll]] for (int c = 0; c < COLS; ++c)
            [[unroll]] for (int j = 0; j < 4; ++j) {
                m[c / 4][c % 4] = fma(S[c][i][j], ek[j], m[c / 4][c % 4]);
                r[c / 4][c % 4] = fma(S[c][i][j], eq[j], r[c / 4][c % 4]);
            }
    }
    const float beta = step_size(s, h, t);
    const Place vr = v_row(s, h, t), to = o_row(s, h, t);
    [[unroll]] for (int n = 0; n < GROUPS; ++n) {
        precise float mine = lanes_transposed_sum(lane, m[n], r[n]);
        if (CHANNEL == 0) mine = mine * token_e[0].x;
        precise float d = 0.0;
        if (own_column(n) < S_v) d = beta * (v_get(vr, uint(own_column(n))) - mine);
        token_delta[n] = lanes_gather(d);
        if (own_column(n) < S_v && lane >= 4) {
            precise float o = p.scale * fma(kq, token_delta[n][lane & 3], mine);
            out_put(to, uint(own_column(n)), o);
        }
    }
}

void lanes_update() {
    [[unroll]] for (int c = 0; c < COLS; ++c)
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            precise vec4 next = fma(token_k[i], vec4(token_delta[c / 4][c % 4]), token_e[i] * S[c][i]);
            S[c][i] = next;
        }
}

#endif
