// One head's state with a column in each invocation, and one token's work on it; the arithmetic is that of
// gdn_lanes.glsl with another order of sums. Needs gdn.glsl, stage.glsl and TENSOR_OUT(out).
#ifndef REWIND_GDN_COLUMNS_GLSL
#define REWIND_GDN_COLUMNS_GLSL

const int QUADS = S_k / 4;

int column;
bool live;
vec4 S[QUADS];  // not precise: see gdn_lanes.glsl

void columns_place(int group) {
    column = group * STAGE_LOCAL + int(gl_LocalInvocationIndex);
    live = column < S_v;
}
/* Element 4 i of this column in a head-major state. */
uint columns_at(int h, int i) { return (uint(h) * uint(S_v) + uint(column)) * uint(S_k) + 4u * uint(i); }

/* Token number x of the stage: writes its output element and returns the delta; columns_update() then advances S. */
float columns_token(Sequence s, int h, int t, int x) {
    precise vec4 m4 = vec4(0.0), r4 = vec4(0.0);
    [[dont_unroll]] for (int i = 0; i < QUADS; ++i) {
        precise vec4 ek = stage_k[x][i], eq = stage_q[x][i];
        if (CHANNEL != 0) ek = ek * stage_e[x][i], eq = eq * stage_e[x][i];
        m4 = fma(S[i], ek, m4), r4 = fma(S[i], eq, r4);
    }
    precise float m = sum4(m4), r = sum4(r4);
    if (CHANNEL == 0) m = m * stage_decay[x], r = r * stage_decay[x];
    precise float d = stage_beta[x] * (v_get(v_row(s, h, t), uint(column)) - m);
    precise float o = p.scale * fma(stage_kq[x], d, r);
    out_put(o_row(s, h, t), uint(column), o);
    return d;
}

void columns_update(int x, float d) {
    [[dont_unroll]] for (int i = 0; i < QUADS; ++i) {
        const vec4 e = CHANNEL != 0 ? stage_e[x][i] : vec4(stage_decay[x]);
        precise vec4 next = fma(stage_k[x][i], vec4(d), e * S[i]);
        S[i] = next;
    }
}

/* A statement for each vec4 of the column: i is its number, at the element it begins with. */
#define COLUMNS_EACH(h, statement)                       \
    [[dont_unroll]] for (int i = 0; i < QUADS; ++i) {    \
        const uint at = columns_at(h, i);                \
        statement                                        \
    }

#endif
