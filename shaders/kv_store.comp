#version 450
// KV_STORE. Shapes: rewind/ops/kv_store.h.
//
// Compile-time VALUES: 0 stores keys, 1 values. One invocation owns two neighbouring elements (one, where a row of an
// f32 cache ends in the middle) or, with BLOCKS, a block of a q8_0 cache, of one head of one token, and of tokens
// further on when there are more than the grid is deep.
//
// Caller: grid ceil_div(H * ceil_div(D, WIDTH), local), B, T.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/kv_store.h"
#include "kv_store_args.h"
#define PARAMS kv_store_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "slots.glsl"
#include "store.glsl"

INDEX(pos)

#if BLOCKS
const int WIDTH = 32;
#define OUTPUT(cache) Q8_0_OUT(cache)
#define STEP SKIP_Q8_0
#else
const int WIDTH = 2;
#define OUTPUT(cache) TYPED_OUT(cache, OUT_TYPE)
#define STEP(a, steps, stride) SKIP_OUT(a, steps, stride, OUT_TYPE)
#endif

#if VALUES
#if !BLOCKS
layout(constant_id = 30) const int V_TYPE = 0;  // of the cache: RW_F32 | RW_F16
#define OUT_TYPE V_TYPE
#endif
TENSOR_IN(v)
OUTPUT(cache_v)
#define D p.D_v
#define FROM(s, t, h) skip(skip(skip(start(RW_ARG_v), s.b, p.v_b), t, p.v_t), h, p.v_h)
#define TO(s, r, h) STEP(STEP(STEP(start(RW_ARG_cache_v), s.row, p.cv_b), r, p.cv_r), h, p.cv_h)
#define GET v_get
#define PUT cache_v_put
#define PUT2 cache_v_put2
#define PUT_Q8_0 cache_v_put_q8_0
#else
#if !BLOCKS
layout(constant_id = 30) const int K_TYPE = 0;
#define OUT_TYPE K_TYPE
#endif
TENSOR_IN(k)
OUTPUT(cache_k)
#define D p.D_k
#define FROM(s, t, h) skip(skip(skip(start(RW_ARG_k), s.b, p.k_b), t, p.k_t), h, p.k_h)
#define TO(s, r, h) STEP(STEP(STEP(start(RW_ARG_cache_k), s.row, p.ck_b), r, p.ck_r), h, p.ck_h)
#define GET k_get
#define PUT cache_k_put
#define PUT2 cache_k_put2
#define PUT_Q8_0 cache_k_put_q8_0
#endif

#if BLOCKS
/* The byte that stands for x in a block of this scale. */
uint number_of(float x, float scale) {
    const float size = abs(x), q = roundEven(size / scale);  // right, or one off next to a tie
    precise float twice = size + size, above = (q + q + 1.0) * scale, below = (q + q - 1.0) * scale;
    const bool odd = (int(q) & 1) != 0;
    float number = q;
    if (twice > above || odd && twice == above) number += 1.0;
    else if (twice < below || odd && twice == below) number -= 1.0;
    const int n = min(int(number), 127);
    return uint(x < 0.0 ? -n : n) & 255u;
}

/* Block i of a row at `from` to block i of that at `to`. */
void put(Place to, Place from, int i) {
    uint most = 0u;  // as whole numbers: infinity and NaN are the largest
    for (uint j = 32u * uint(i); j < 32u * uint(i) + 32u; ++j)
        most = max(most, floatBitsToUint(GET(from, j)) & 0x7fffffffu);
    precise float step = uintBitsToFloat(most) * RW_Q8_0_STEP;
    uint d = half_bits(step), q[8] = uint[8](0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u);
    if (d >= 0x7c00u) {
        d = 0x7e00u;
    } else if (d != 0u) {
        const float subnormal = float(d) * uintBitsToFloat(103u << 23);
        const float scale = d < 0x400u ? subnormal : uintBitsToFloat((d << 13) + (112u << 23));
        for (uint j = 0u; j < 32u; ++j)
            q[j / 4u] |= number_of(GET(from, 32u * uint(i) + j), scale) << 8u * (j % 4u);
    }
    PUT_Q8_0(STEP(to, i, 1), d, q);
}
#else
/* Elements 2 i and 2 i + 1 of a row. */
void put(Place to, Place from, int i) {
    if (2 * i + 1 < D) PUT2(to, uint(i), vec2(GET(from, 2u * uint(i)), GET(from, 2u * uint(i) + 1u)));
    else PUT(to, 2u * uint(i), GET(from, 2u * uint(i)));
}
#endif

void main() {
    const int pieces = (D + WIDTH - 1) / WIDTH, unit = int(gl_GlobalInvocationID.x), b = int(gl_WorkGroupID.y);
    const int h = unit / pieces, i = unit % pieces;
    if (h >= p.H) return;
    const Sequence s = sequence(b);
    const int pos = s.n != 0 ? pos_at(b, 0) : -1;
    if (pos < 0) return;
    if (pos > p.R - s.n) {
        raise(RW_FAULT_POS);
        return;
    }
    for (int t = int(gl_WorkGroupID.z); t < s.n; t += int(gl_NumWorkGroups.z))
        put(TO(s, pos + t, h), FROM(s, s.token + t, h), i);
}
