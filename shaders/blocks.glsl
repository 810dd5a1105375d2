// Four neighbouring elements of a row of w, of any type: quantised ones are read by the formulas of core/blocks.h.
//
// Before including this: load.glsl, the constant W_TYPE (RW_F32, RW_Q8_0, ...), and WEIGHTS(x) for the tensor. Places of
// quantised tensors count half-words, which is what blocks are aligned to.
//
//   WEIGHTS(x)            declares the tensor
//   x_row(n, stride)      the place of row n, stride in blocks (elements, of plain types)
//   x_skip(place, n, stride)   a place n strides further on
//   x_weights4(place, i)  elements 4 i .. 4 i + 3
//   x_weight(place, i)    element i, of plain types
#ifndef REWIND_BLOCKS_GLSL
#define REWIND_BLOCKS_GLSL

const bool W_PLAIN = W_TYPE <= RW_BF16;
const uint W_BYTES = W_TYPE == RW_F32 ? 4 : W_TYPE <= RW_BF16 ? 2 : W_TYPE == RW_Q8_0 ? 34 : W_TYPE == RW_Q4_1 ? 20 :
                     W_TYPE == RW_Q5_0 ? 22 : W_TYPE == RW_Q5_1 ? 24 : W_TYPE == RW_Q4_K ? 144 : W_TYPE == RW_Q5_K ? 176 :
                     W_TYPE == RW_Q6_K ? 210 : W_TYPE == RW_IQ4_XS ? 136 : 18;

float rw_half(uint bits) { return unpackHalf2x16(bits & 0xffffu).x; }
vec4 rw_bytes(uint w) { return vec4(uvec4(w, w >> 8, w >> 16, w >> 24) & 255u); }
vec4 rw_signed(uint w) {
    const int s = int(w);
    return vec4(ivec4(s << 24, s << 16, s << 8, s) >> 24);
}
/* The lowest four bits, each as bit 4 of a byte. */
uint rw_fifth(uint b) { return (b & 1u) << 4 | (b & 2u) << 11 | (b & 4u) << 18 | (b & 8u) << 25; }

const uint rw_codes[4] = uint[4](0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);
vec4 rw_coded(uint nibbles) {
    const uvec4 q = uvec4(nibbles, nibbles >> 8, nibbles >> 16, nibbles >> 24) & 15u;
    vec4 x;
    for (int i = 0; i < 4; ++i) x[i] = float(int(rw_codes[q[i] >> 2] << (24u - 8u * (q[i] & 3u))) >> 24);
    return x;
}

#if FAR
#define RW_HALFWORD(x)                       \
    uint x##_u16(Place a, uint i) {          \
        uint odd;                            \
        const uint w = rw_word16(a, i, odd); \
        return odd != 0 ? w >> 16 : w & 0xffffu; \
    }                                        \
    uint x##_u32(Place a, uint i) { return x##_u16(a, i) | x##_u16(a, i + 1u) << 16; } \
    uint x##_word(Place a, uint i) { return RwWords(a).at[i]; }                        \
    Place x##_skip(Place a, int n, int stride) {                                       \
        uint high, low, high2, low2;                                                   \
        umulExtended(uint(n), uint(stride), high, low);                                \
        umulExtended(low, W_BYTES, high2, low2);                                       \
        return rw_add(a, uvec2(low2, high2 + high * W_BYTES));                         \
    }                                                                                  \
    Place x##_row(int n, int stride) { return x##_skip(start(RW_ARG_##x), n, stride); }
#else
#define RW_HALFWORD(x)                                                                 \
    layout(std430, binding = RW_BIND_##x) readonly buffer Rw_##x { uint rw_##x[]; };   \
    uint x##_u16(Place a, uint i) {                                                    \
        const uint at = a + i, w = rw_##x[at >> 1];                                    \
        return (at & 1u) != 0 ? w >> 16 : w & 0xffffu;                                 \
    }                                                                                  \
    uint x##_u32(Place a, uint i) {                                                    \
        const uint at = a + i, w = rw_##x[at >> 1];                                    \
        return (at & 1u) != 0 ? w >> 16 | rw_##x[(at >> 1) + 1u] << 16 : w;            \
    }                                                                                  \
    uint x##_word(Place a, uint i) { return rw_##x[a + i]; }                           \
    Place x##_skip(Place a, int n, int stride) {                                       \
        return a + uint(n) * uint(stride) * (W_PLAIN ? 1u : W_BYTES / 2u);             \
    }                                                                                  \
    Place x##_row(int n, int stride) { return x##_skip(start(RW_ARG_##x), n, stride); }
#endif

/* Byte b of a block at place a + at, in half-words; scale and min of sub-block j of q4_k and q5_k. */
#define RW_SCALES(x)                                                                                          \
    uint x##_u8(Place a, uint b) { return x##_u16(a, b >> 1) >> 8u * (b & 1u) & 255u; }                       \
    vec2 x##_scales(Place a, uint b, uint j) {                                                                \
        const uint low = x##_u8(a, b + j), high = x##_u8(a, b + 4u + j);                                      \
        if (j < 4u) return vec2(float(low & 63u), float(high & 63u));                                         \
        const uint first = x##_u8(a, b + j - 4u);                                                             \
        return vec2(float(high & 15u | first >> 6 << 4), float(high >> 4 | low >> 6 << 4));                   \
    }

#define WEIGHTS(x)                                                                                            \
    RW_HALFWORD(x)                                                                                            \
    RW_SCALES(x)                                                                                              \
    float x##_weight(Place a, uint i) {                                                                       \
        if (W_TYPE == RW_F32) return uintBitsToFloat(x##_word(a, i));                                         \
        return W_TYPE == RW_F16 ? rw_half(x##_u16(a, i)) : uintBitsToFloat(x##_u16(a, i) << 16);              \
    }                                                                                                         \
    vec4 x##_small4(Place a, uint b, uint e) {                                                                \
        const uint h = b >> 1, l = e & 15u, up = e >> 2 & 4u;                                                 \
        const float d = rw_half(x##_u16(a, h));                                                       \
        if (W_TYPE == RW_Q8_0) return d * rw_signed(x##_u32(a, h + 1u + e / 2u));                             \
        const uint skip = W_TYPE == RW_Q4_1 ? 2u : W_TYPE == RW_Q5_0 ? 3u : W_TYPE == RW_Q5_1 ? 4u : 1u;      \
        uint q = x##_u32(a, h + skip + l / 2u) >> up & 0x0f0f0f0fu;                                           \
        if (W_TYPE == RW_IQ4_NL) return d * rw_coded(q);                                                      \
        if (W_TYPE == RW_Q5_0) q |= rw_fifth(x##_u32(a, h + 1u) >> e);                                        \
        if (W_TYPE == RW_Q5_1) q |= rw_fifth(x##_u32(a, h + 2u) >> e);                                        \
        if (W_TYPE == RW_Q4_0) return d * (rw_bytes(q) - 8.0);                                                \
        if (W_TYPE == RW_Q5_0) return d * (rw_bytes(q) - 16.0);                                               \
        return fma(rw_bytes(q), vec4(d), vec4(rw_half(x##_u16(a, h + 1u))));                                  \
    }                                                                                                         \
    vec4 x##_big4(Place a, uint b, uint e) {                                                                  \
        const uint h = b >> 1, j = e / 32u, l = e % 32u;                                                      \
        if (W_TYPE == RW_Q6_K) {                                                                              \
            const uint half_ = e / 128u, c = e / 32u % 4u;                                                    \
            const uint low = x##_u32(a, h + 32u * half_ + 16u * (c & 1u) + l / 2u) >> (c / 2u * 4u);          \
            const uint high = x##_u32(a, h + 64u + 16u * half_ + l / 2u) >> (2u * c);                         \
            const uint q = low & 0x0f0f0f0fu | (high & 0x03030303u) << 4;                                     \
            const int scale = int(x##_u8(a, b + 192u + e / 16u) << 24) >> 24;                                 \
            return rw_half(x##_u16(a, h + 104u)) * float(scale) * (rw_bytes(q) - 32.0);                       \
        }                                                                                                     \
        const float d = rw_half(x##_u16(a, h));                                                               \
        if (W_TYPE == RW_IQ4_XS) {                                                                            \
            const uint low = x##_u8(a, b + 4u + j / 2u) >> 4u * (j & 1u) & 15u;                               \
            const int scale = int(low | (x##_u16(a, h + 1u) >> 2u * j & 3u) << 4) - 32;                       \
            const uint q = x##_u32(a, h + 4u + 8u * j + (l & 15u) / 2u) >> (l >> 2 & 4u);                     \
            return d * float(scale) * rw_coded(q);                                                            \
        }                                                                                                     \
        const vec2 s = x##_scales(a, b + 4u, j);                                                              \
        uint q = x##_u32(a, h + (W_TYPE == RW_Q5_K ? 24u : 8u) + 16u * (j / 2u) + l / 2u) >> 4u * (j & 1u);   \
        q &= 0x0f0f0f0fu;                                                                                     \
        if (W_TYPE == RW_Q5_K) q |= (x##_u32(a, h + 8u + l / 2u) >> j & 0x01010101u) << 4;                    \
        return fma(rw_bytes(q), vec4(d * s[0]), vec4(-rw_half(x##_u16(a, h + 1u)) * s[1]));                     \
    }                                                                                                         \
    vec4 x##_weights4(Place a, uint i) {                                                                      \
        if (W_PLAIN)                                                                                          \
            return vec4(x##_weight(a, 4u * i), x##_weight(a, 4u * i + 1u), x##_weight(a, 4u * i + 2u),        \
                        x##_weight(a, 4u * i + 3u));                                                          \
        if (W_TYPE == RW_Q4_K || W_TYPE == RW_Q5_K || W_TYPE == RW_Q6_K || W_TYPE == RW_IQ4_XS)               \
            return x##_big4(a, i / 64u * W_BYTES, i % 64u * 4u);                                              \
        return x##_small4(a, i / 8u * W_BYTES, i % 8u * 4u);                                                  \
    }

#endif
