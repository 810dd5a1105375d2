// Outputs of several element types, after load.glsl. Numbers of 16 bits are rounded to nearest even in whole numbers:
// what packHalf2x16 rounds to is the driver's affair.
//
//   TYPED_OUT(x, TYPE)       x_put(place, i, v)      element i of the row at place; TYPE: RW_F32 | RW_F16 | RW_BF16
//                            x_put2(place, i, v)     elements 2 i, 2 i + 1; of 16 bits they have to be one word
//   SKIP_OUT(a, steps, stride, TYPE)                 as skip(), for elements of that type
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

#endif
