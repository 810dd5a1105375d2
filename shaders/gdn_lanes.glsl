// One head's state in the registers of eight-lane clusters (lanes.glsl), and one token's work on it. Per token, with
// e = exp(g):
//
//   m = S^T (e k), r = S^T (e q)   one pass over the old state; a scalar gate is taken out of the sums
//   d = beta (v - m), o = scale (r + (k.q) d), S <- e S + k d^T
//
// so that the output needs no second pass. Needs gdn.glsl built with GDN_VEC4, lanes.glsl and TENSOR_OUT(out).
#ifndef REWIND_GDN_LANES_GLSL
#define REWIND_GDN_LANES_GLSL

layout(constant_id = 15) const int COLS = 4;  // columns that a cluster holds: a multiple of 4
const int GROUPS = COLS / 4;
const int PARTS = S_k >= 32 ? S_k / 32 : 1;  // vec4s of a column in one lane
const uint QUADS = uint(S_k) / 4u;           // vec4s of a column

int lane, column;  // of this invocation: lane in the cluster, first of its COLS columns
bool live;         // holds data; lanes without take part in the shuffles

// No `precise` on globals: glslang 12 makes invalid modules of it. What is assigned to them is precise instead.
vec4 S[COLS][PARTS];                 // columns column .. column + COLS - 1, vec4s lane, lane + 8, ...
vec4 token_k[PARTS];                 // the token's key as used
vec4 token_e[PARTS];                 // its decays; of a scalar gate the same in all components
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

/* Log decays of a token; of a scalar gate the same in all components. */
void lanes_log_decay(Sequence s, int h, int t, out vec4 g[PARTS]) {
    if (CHANNEL == 0) {
        const float all = log_decay(s, h, t, 0);
        [[unroll]] for (int i = 0; i < PARTS; ++i) g[i] = vec4(all);
        return;
    }
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        g[i] = vec4(0.0);
        if (4 * lane < S_k)
            [[unroll]] for (int j = 0; j < 4; ++j) g[i][j] = log_decay(s, h, t, uint(4 * (lane + 8 * i) + j));
    }
}
void lanes_exp(inout vec4 g[PARTS]) {
    [[unroll]] for (int i = 0; i < PARTS; ++i)
        [[unroll]] for (int j = 0; j < 4; ++j) g[i][j] = exp_(g[i][j]);
}
void lanes_gates(Sequence s, int h, int t) {
    if (CHANNEL == 0) {
        const float e = exp_(log_decay(s, h, t, 0));
        [[unroll]] for (int i = 0; i < PARTS; ++i) token_e[i] = vec4(e);
    } else {
        lanes_log_decay(s, h, t, token_e);
        lanes_exp(token_e);
    }
}

/* The column of which lanes 0..3 get m and lanes 4..7 get r from lanes_transposed_sum(). */
int own_column(int group) { return column + 4 * group + (lane & 3); }

void lanes_unit(inout vec4 x[PARTS]) {
    if (!(p.l2norm_eps > 0.0)) return;
    precise float sum = 0.0;
    [[unroll]] for (int i = 0; i < PARTS; ++i)
        [[unroll]] for (int j = 0; j < 4; ++j) sum = fma(x[i][j], x[i][j], sum);
    const float factor = unit_factor(lanes_sum(sum), p.l2norm_eps);
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        precise vec4 unit = x[i] * factor;
        x[i] = unit;
    }
}
/* The token's key and query, normalised if asked for. */
void lanes_key(Sequence s, int b, int h, int t, out vec4 k[PARTS]) {
    const Place from = k_row(s, b, h, t);
    [[unroll]] for (int i = 0; i < PARTS; ++i) k[i] = 4 * lane < S_k ? k_get4(from, uint(lane + 8 * i)) : vec4(0.0);
    lanes_unit(k);
}
void lanes_query(Sequence s, int b, int h, int t, out vec4 q[PARTS]) {
    const Place from = q_row(s, b, h, t);
    [[unroll]] for (int i = 0; i < PARTS; ++i) q[i] = 4 * lane < S_k ? q_get4(from, uint(lane + 8 * i)) : vec4(0.0);
    lanes_unit(q);
}

/* Token t: writes its output row, leaves its deltas in token_delta; lanes_update() then advances S. */
void lanes_token(Sequence s, int b, int h, int t) {
    vec4 q[PARTS];
    lanes_key(s, b, h, t, token_k);
    lanes_query(s, b, h, t, q);
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
