#version 450
// ROPE. Equation, shapes and how angles are computed: rewind/ops/rope.h.
//
// One invocation owns a pair of elements of one token, one that turns or two neighbours that are copied, for HEADS
// heads, and of tokens further on when there are more than the grid is high. The pair's sine and cosine are made once.
//
// Caller: grid ceil_div(units, local), T * B, ceil_div(H, HEADS).
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/rope.h"
#include "rope_args.h"
#define PARAMS rope_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int HEADS = 4;
const int QKV_TYPE = RW_F32;
#include "load.glsl"

TENSOR_IN(x)
TENSOR_OUT(out)
INDEX(pos)

/* The upper 64 bits of a product; x is the low word. */
uvec2 high_product(uvec2 a, uvec2 b) {
    uint ll_high, ll, lh_high, lh, hl_high, hl, hh_high, hh, c1, c2, c3, c4, c5;
    umulExtended(a.x, b.x, ll_high, ll);
    umulExtended(a.x, b.y, lh_high, lh);
    umulExtended(a.y, b.x, hl_high, hl);
    umulExtended(a.y, b.y, hh_high, hh);
    const uint middle = uaddCarry(uaddCarry(ll_high, lh, c1), hl, c2);
    uint low = uaddCarry(hh, lh_high, c3);
    low = uaddCarry(low, hl_high, c4);
    low = uaddCarry(low, c1 + c2, c5);
    return uvec2(low, hh_high + c3 + c4 + c5);
}

/* Turns that the pair makes for one position, in units of 2^-64. */
uvec2 frequency(int pair) {
    uvec2 f = uvec2(RW_ROPE_TURN_LOW, RW_ROPE_TURN_HIGH), power = uvec2(uint(p.ratio_low), uint(p.ratio_high));
    for (int bits = pair; bits != 0; bits >>= 1) {
        if ((bits & 1) != 0) f = high_product(f, power);
        power = high_product(power, power);
    }
    return f;
}

/* Cosine and sine of turn / 2^32 turns: of what is left of the nearest quarter, at most an eighth of a turn. */
vec2 cosine_sine(uint turn) {
    const uint quarter = (turn + 0x20000000u) >> 30;
    precise float x = float(int(turn - (quarter << 30))) * RW_ROPE_RADIANS;
    precise float z = x * x;
    precise float s = fma(z, 1.0 / 362880.0, -1.0 / 5040.0);
    s = fma(z, s, 1.0 / 120.0);
    s = fma(z, s, -1.0 / 6.0);
    s = fma(x * z, s, x);
    precise float c = fma(z, -1.0 / 3628800.0, 1.0 / 40320.0);
    c = fma(z, c, -1.0 / 720.0);
    c = fma(z, c, 1.0 / 24.0);
    c = fma(z, c, -0.5);
    c = fma(z, c, 1.0);
    return quarter == 0u ? vec2(c, s) : quarter == 1u ? vec2(-s, c) : quarter == 2u ? vec2(-c, -s) : vec2(s, -c);
}

/* Which of a token's positions the pair takes. */
int plane_of(int pair) {
    if (p.P == 1) return 0;
    const int plane = pair % 3, section = plane == 0 ? p.section_t : plane == 1 ? p.section_h : p.section_w;
    return pair < 3 * section ? plane : p.P == 4 ? 3 : 0;
}

void main() {
    const int unit = int(gl_GlobalInvocationID.x), first = int(gl_WorkGroupID.z) * HEADS;
    if (unit >= p.units) return;
    const bool turns = unit < p.half_dims;
    const int i = turns ? unit : 2 * unit, j = turns ? unit + p.half_dims : 2 * unit + 1;
    const uvec2 f = turns ? frequency(unit) : uvec2(0u);
    const int plane = turns ? plane_of(unit) : 0;
    for (int token = int(gl_WorkGroupID.y); token < p.T * p.B; token += int(gl_NumWorkGroups.y)) {
        const int t = token % p.T, b = token / p.T, at = b * p.pos_b + t;
        if (pos_at(at, 0) < 0) continue;
        bool bad = false;
        for (int k = 1; k < p.P; ++k) bad = bad || pos_at(at + k * p.T, 0) < 0;
        if (bad) {
            raise(RW_FAULT_POS);
            continue;
        }
        uint whole, low;
        const uint position = uint(pos_at(at + plane * p.T, 0));
        umulExtended(position, f.x, whole, low);
        const vec2 cs = cosine_sine(position * f.y + whole);
        const Place x = skip(skip(start(RW_ARG_x), b, p.x_b), t, p.x_t);
        const Place o = skip(skip(start(RW_ARG_out), b, p.o_b), t, p.o_t);
        for (int h = first; h < min(first + HEADS, p.H); ++h) {
            const Place from = skip(x, h, p.x_h), to = skip(o, h, p.o_h);
            const float a = x_get(from, uint(i)), c = x_get(from, uint(j));
            precise float u = a, v = c;
            if (turns) {
                u = fma(a, cs.x, -(c * cs.y));
                v = fma(a, cs.y, c * cs.x);
            }
            out_put(to, uint(i), u);
            out_put(to, uint(j), v);
        }
    }
}
