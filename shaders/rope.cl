// ROPE. Equation, shapes and how angles are computed: rewind/ops/rope.h.
//
// One work-item owns a pair of elements of one token, one that turns or two neighbours that are copied, for HEADS
// heads, and of tokens further on when there are more than the grid is high. The pair's sine and cosine are made once.
#include "rw.clh"
#include "rewind/ops/rope.h"
#include "rope_args.h"

/* Turns that the pair makes for one position, in units of 2^-64. */
static ulong rw_frequency(int pair, ulong power) {
    ulong f = (ulong)RW_ROPE_TURN_HIGH << 32 | RW_ROPE_TURN_LOW;
    for (int bits = pair; bits; bits >>= 1) {
        if (bits & 1) f = mul_hi(f, power);
        power = mul_hi(power, power);
    }
    return f;
}

/* Cosine and sine of turn / 2^32 turns: of what is left of the nearest quarter, at most an eighth of a turn. */
static float2 rw_cosine_sine(uint turn) {
    const uint quarter = (turn + 0x20000000u) >> 30;
    const float x = (float)(int)(turn - (quarter << 30)) * RW_ROPE_RADIANS, z = x * x;
    float s = fma(z, 1.0f / 362880.0f, -1.0f / 5040.0f);
    s = fma(z, s, 1.0f / 120.0f);
    s = fma(z, s, -1.0f / 6.0f);
    s = fma(x * z, s, x);
    float c = fma(z, -1.0f / 3628800.0f, 1.0f / 40320.0f);
    c = fma(z, c, -1.0f / 720.0f);
    c = fma(z, c, 1.0f / 24.0f);
    c = fma(z, c, -0.5f);
    c = fma(z, c, 1.0f);
    return quarter == 0   ? (float2)(c, s)
           : quarter == 1 ? (float2)(-s, c)
           : quarter == 2 ? (float2)(-c, -s)
                          : (float2)(s, -c);
}

__kernel void rope(RW_KERNEL_ARGS, int t0, int t1) {
    const int unit = (int)get_global_id(0), first = (int)get_group_id(2) * HEADS, last = min(first + HEADS, block->p.H);
    if (unit >= block->p.units) return;
    const int T = block->p.T, tokens = T * block->p.B, P = block->p.P, half_ = block->p.half_dims, turns = unit < half_;
    const int i = turns ? unit : 2 * unit, j = turns ? unit + half_ : 2 * unit + 1;
    const ulong ratio = (ulong)(uint)block->p.ratio_high << 32 | (uint)block->p.ratio_low;
    const ulong f = turns ? rw_frequency(unit, ratio) : 0;
    int plane = 0;  // of a token's positions
    if (turns && P > 1) {
        plane = unit % 3;
        const int section = plane == 0 ? block->p.section_t : plane == 1 ? block->p.section_h : block->p.section_w;
        if (unit >= 3 * section) plane = P == 4 ? 3 : 0;
    }
    const long x_h = block->p.x_h, o_h = block->p.o_h;
    for (int token = (int)get_group_id(1); token < tokens; token += (int)get_num_groups(1)) {
        const int t = token % T, b = token / T;
        __global const int* pos = RW_PTR(const int, pos) + (long)b * block->p.pos_b + t;
        if (pos[0] < 0) continue;
        int bad = 0;
        for (int k = 1; k < P; ++k) bad |= pos[k * T] < 0;
        if (bad) {
            atomic_or(fault, RW_FAULT_POS);
            continue;
        }
        const float2 cs = rw_cosine_sine((uint)((ulong)pos[plane * T] * f >> 32));
        __global const float* x = RW_PTR(const float, x) + (long)b * block->p.x_b + (long)t * block->p.x_t;
        __global float* out = RW_PTR(float, out) + (long)b * block->p.o_b + (long)t * block->p.o_t;
        for (int h = first; h < last; ++h) {
            const float a = x[h * x_h + i], c = x[h * x_h + j];
            out[h * o_h + i] = turns ? fma(a, cs.x, -(c * cs.y)) : a;
            out[h * o_h + j] = turns ? fma(a, cs.y, c * cs.x) : c;
        }
    }
}
