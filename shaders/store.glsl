// Outputs of several element types, after load.glsl. Numbers of 16 bits are rounded to nearest even in whole numbers:
// what packHalf2x16 rounds to is the driver's affair.
//
//   TYPED_OUT(x, TYPE)       x_put(place, i, v)      element i of the row at place; TYPE: RW_F32 | RW_F16 | RW_BF16
//                            x_put2(place, i, v)     elements 2 i, 2 i + 1; of 16 bits they have to be one word
//   SKIP_OUT(a, steps, stride, TYPE)                 as skip(), for elements of that type
//
//   Q8_0_OUT(x)              x_put_q8_0(place, d, q)  a block: the bits of its scale, its numbers four to a word
//   SKIP_Q8_0(a, steps, stride)                      as skip(), for blocks; places count half-words
//
// Without 16-bit storage a half is put into its word with two atomic operations, so that whoever writes the other half
// at the same time is safe.
#ifndef REWIND_STORE_GLSL
#define REWIND_STORE_GLSL

uint half_bits(float x) {
    const uint bits = floatBitsToUint(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | 0x7e00u;
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds past 65504
    // Below 2^-14 the last place of 0.5 is that of a subnormal half.
    precise float shifted = uintBitsToFloat(magnitude) + 0.5;
    if (magnitude < 0x38800000u) return sign | (floatBitsToUint(shifted) - 0x3f000000u);
    return sign | ((magnitude + 0xfffu + (magnitude >> 13 & 1u) >> 13) - (112u << 10));
}
uint bfloat_bits(float x) {
    const uint bits = floatBitsToUint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return bits >> 16 | 0x40u;
    return bits + 0x7fffu + (bits >> 16 & 1u) >> 16;
}
uint bits16(float x, int type) { return type == RW_F16 ? half_bits(x) : bfloat_bits(x); }

#if FAR

#define SKIP_OUT(a, steps, stride, TYPE) rw_skip(a, steps, stride, TYPE == RW_F32 ? 2u : 1u)
#define TYPED_OUT(name, TYPE)                                                                               \
    void name##_put(Place a, uint i, float v) {                                                               \
        if (TYPE == RW_F32) {                                                                              \
            RwWords(a).at[i] = floatBitsToUint(v);                                                         \
            return;                                                                                        \
        }                                                                                                  \
        const Place at = rw_add(a, uvec2(i << 1, i >> 31));                                                \
        const Place word = uvec2(at.x & ~3u, at.y);                                                        \
        const uint shift = (at.x & 2u) << 3;                                                               \
        atomicAnd(RwWords(word).at[0], ~(0xffffu << shift));                                               \
        atomicOr(RwWords(word).at[0], bits16(v, TYPE) << shift);                                           \
    }                                                                                                      \
    void name##_put2(Place a, uint i, vec2 v) {                                                               \
        if (TYPE == RW_F32) {                                                                              \
            RwWords(a).at[2u * i] = floatBitsToUint(v.x), RwWords(a).at[2u * i + 1u] = floatBitsToUint(v.y); \
        } else {                                                                                           \
            RwWords(a).at[i] = bits16(v.x, TYPE) | bits16(v.y, TYPE) << 16;                                \
        }                                                                                                  \
    }

#else

#define SKIP_OUT(a, steps, stride, TYPE) skip(a, steps, stride)
#define TYPED_OUT(name, TYPE)                                                                 \
    layout(std430, binding = RW_BIND_##name) buffer Rw_##name { uint rw_##name[]; };                  \
    void name##_put(Place a, uint i, float v) {                                                 \
        const uint at = a + i;                                                               \
        if (TYPE == RW_F32) {                                                                \
            rw_##name[at] = floatBitsToUint(v);                                                 \
            return;                                                                          \
        }                                                                                    \
        const uint shift = (at & 1u) << 4;                                                   \
        atomicAnd(rw_##name[at >> 1], ~(0xffffu << shift));                                     \
        atomicOr(rw_##name[at >> 1], bits16(v, TYPE) << shift);                                 \
    }                                                                                        \
    void name##_put2(Place a, uint i, vec2 v) {                                                 \
        if (TYPE == RW_F32) {                                                                \
            rw_##name[a + 2u * i] = floatBitsToUint(v.x), rw_##name[a + 2u * i + 1u] = floatBitsToUint(v.y); \
        } else {                                                                             \
            rw_##name[(a >> 1) + i] = bits16(v.x, TYPE) | bits16(v.y, TYPE) << 16;              \
        }                                                                                    \
    }

#endif

/* Word i of those that a block touches; odd: it begins in the middle of word 0. */
#if FAR
#define RW_BLOCK_WORD(name, a, i) RwWords(uvec2((a).x & ~3u, (a).y)).at[i]
#define RW_BLOCK_ODD(a) (((a).x & 2u) != 0u)
#define Q8_0_OUT(name) RW_PUT_Q8_0(name)
Place SKIP_Q8_0(Place a, int steps, int stride) {
    uint high, low, high2, low2;
    umulExtended(uint(steps), uint(stride), high, low);
    umulExtended(low, 34u, high2, low2);
    return rw_add(a, uvec2(low2, high2 + high * 34u));
}
#else
#define RW_BLOCK_WORD(name, a, i) rw_##name[((a) >> 1) + (i)]
#define RW_BLOCK_ODD(a) (((a) & 1u) != 0u)
#define Q8_0_OUT(name)                                                                \
    layout(std430, binding = RW_BIND_##name) buffer Rw_##name { uint rw_##name[]; };  \
    RW_PUT_Q8_0(name)
Place SKIP_Q8_0(Place a, int steps, int stride) { return a + uint(steps) * uint(stride) * 17u; }
#endif

/* A block is 17 half-words: either the first or the last one shares its word with a neighbour. */
#define RW_PUT_Q8_0(name)                                                             \
    void name##_put_q8_0(Place a, uint d, uint q[8]) {                                \
        if (RW_BLOCK_ODD(a)) {                                                        \
            atomicAnd(RW_BLOCK_WORD(name, a, 0u), 0xffffu);                           \
            atomicOr(RW_BLOCK_WORD(name, a, 0u), d << 16);                            \
            for (uint i = 0u; i < 8u; ++i) RW_BLOCK_WORD(name, a, i + 1u) = q[i];     \
            return;                                                                   \
        }                                                                             \
        RW_BLOCK_WORD(name, a, 0u) = d | q[0] << 16;                                  \
        for (uint i = 1u; i < 8u; ++i) RW_BLOCK_WORD(name, a, i) = q[i - 1u] >> 16 | q[i] << 16; \
        atomicAnd(RW_BLOCK_WORD(name, a, 8u), 0xffff0000u);                           \
        atomicOr(RW_BLOCK_WORD(name, a, 8u), q[7] >> 16);                             \
    }

#endif
