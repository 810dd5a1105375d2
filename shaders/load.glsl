// Tensors: declared by the name they have in ops.def, reached through a Place.
//
// A Place is where a row of a tensor begins. Built for bindings (the default) it counts elements from the start of the
// binding; built with FAR=1 it is a byte address, for tensors that are larger than one binding can show
// (maxStorageBufferRange). Kernels only start(), skip() and get()/put(), so one source serves both. 64-bit arithmetic
// happens in skip(), once a row.
//
//   TENSOR_IN(x)   x_get(place, i)    element i of the row at place, f32            (any alignment)
//   TENSOR_OUT(x)  x_put(place, i, v)                    TENSOR_IO(x) both
//   TENSOR_IN4(x)  x_get4(place, i)   elements 4 i .. 4 i + 3 of the row            (see ALIGNED)
//   TENSOR_OUT4(x) x_put4(place, i, v)                   TENSOR_IO4(x) both
//   TYPED_IN(x), TYPED_IN4(x)         the same for f32, f16 or bf16 tensors, by the constant QKV_TYPE
//   INDEX(x)       x_at(i, fallback)  i32 vector, or the fallback when the argument is absent
//   TENSOR_...4 and TYPED_IN4 declare the plain forms, too.
//   INDEX_OUT(x)   x_set(place, i, v) element i of a row of i32
//   SCRATCH(x, n), SCRATCH4(x, n)     n-th scratch buffer of the kernel row: x[], floats or vec4s
#ifndef REWIND_LOAD_GLSL
#define REWIND_LOAD_GLSL

// 1: every wide place is a multiple of 16 bytes (of four elements when they are 16 bits wide), so that ..4 is one fetch;
// 0: four. The values are the same, and so are the bits of what is made of them.
layout(constant_id = 9) const int ALIGNED = 1;

/* The ..4 functions out of the plain ones. */
#define RW_GET4(x, a, i) \
    vec4(x##_get(a, 4u * i), x##_get(a, 4u * i + 1u), x##_get(a, 4u * i + 2u), x##_get(a, 4u * i + 3u))
#define RW_PUT4(x, a, i, v)                                             \
    x##_put(a, 4u * i, v[0]), x##_put(a, 4u * i + 1u, v[1]), x##_put(a, 4u * i + 2u, v[2]), \
        x##_put(a, 4u * i + 3u, v[3])

float half_of(uint word, uint odd) {
    const vec2 both = unpackHalf2x16(word);
    return odd != 0 ? both.y : both.x;
}
float bfloat_of(uint word, uint odd) { return uintBitsToFloat(odd != 0 ? word & 0xffff0000u : word << 16); }
vec4 halves_of(uvec2 w) { return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y)); }
vec4 bfloats_of(uvec2 w) {
    return uintBitsToFloat(uvec4(w.x << 16, w.x & 0xffff0000u, w.y << 16, w.y & 0xffff0000u));
}

#if FAR

#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#define Place uvec2
layout(buffer_reference, std430, buffer_reference_align = 4) buffer RwWords { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 8) buffer RwPairs { uvec2 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer RwQuads { vec4 at[]; };

Place rw_add(Place a, uvec2 bytes) {
    uint carry;
    const uint low = uaddCarry(a.x, bytes.x, carry);
    return uvec2(low, a.y + bytes.y + carry);
}
/* steps * stride elements of 2^shift bytes further on */
Place rw_skip(Place a, int steps, int stride, uint shift) {
    uint high, low;
    umulExtended(uint(steps), uint(stride), high, low);
    return rw_add(a, uvec2(low << shift, high << shift | low >> (32u - shift)));
}
Place start(int arg) { return rw_arg[arg].xy; }
Place skip(Place a, int steps, int stride) { return rw_skip(a, steps, stride, 2); }
uint rw_word16(Place a, uint i, out uint odd) {
    const Place at = rw_add(a, uvec2(i << 1, i >> 31));
    odd = at.x >> 1 & 1u;
    return RwWords(uvec2(at.x & ~3u, at.y)).at[0];
}

#define TENSOR_IN(x) \
    float x##_get(Place a, uint i) { return uintBitsToFloat(RwWords(a).at[i]); }
#define TENSOR_OUT(x) \
    void x##_put(Place a, uint i, float v) { RwWords(a).at[i] = floatBitsToUint(v); }
#define TENSOR_IO(x) TENSOR_IN(x) TENSOR_OUT(x)
#define TENSOR_IN4(x) \
    TENSOR_IN(x)      \
    vec4 x##_get4(Place a, uint i) { return ALIGNED != 0 ? RwQuads(a).at[i] : RW_GET4(x, a, i); }
#define TENSOR_OUT4(x)                          \
    TENSOR_OUT(x)                               \
    void x##_put4(Place a, uint i, vec4 v) {    \
        if (ALIGNED != 0) RwQuads(a).at[i] = v; \
        else RW_PUT4(x, a, i, v);               \
    }
#define TENSOR_IO4(x) TENSOR_IN4(x) TENSOR_OUT4(x)
#define TYPED_IN(x)                                                            \
    float x##_get(Place a, uint i) {                                           \
        if (QKV_TYPE == RW_F32) return uintBitsToFloat(RwWords(a).at[i]);      \
        uint odd;                                                              \
        const uint word = rw_word16(a, i, odd);                                \
        return QKV_TYPE == RW_F16 ? half_of(word, odd) : bfloat_of(word, odd); \
    }
#define TYPED_IN4(x)                                           \
    TYPED_IN(x)                                                \
    vec4 x##_get4(Place a, uint i) {                           \
        if (ALIGNED == 0) return RW_GET4(x, a, i);             \
        if (QKV_TYPE == RW_F32) return RwQuads(a).at[i];       \
        const uvec2 pair = RwPairs(a).at[i];                   \
        return QKV_TYPE == RW_F16 ? halves_of(pair) : bfloats_of(pair); \
    }

#else

#define Place uint
Place start(int arg) { return rw_arg[arg].z; }
Place skip(Place a, int steps, int stride) { return a + uint(steps) * uint(stride); }

#define TENSOR_IN(x)                                                                       \
    layout(std430, binding = RW_BIND_##x) readonly buffer Rw_##x { uint rw_##x[]; };       \
    float x##_get(Place a, uint i) { return uintBitsToFloat(rw_##x[a + i]); }
#define TENSOR_OUT(x)                                                                      \
    layout(std430, binding = RW_BIND_##x) writeonly buffer Rw_##x { uint rw_##x[]; };      \
    void x##_put(Place a, uint i, float v) { rw_##x[a + i] = floatBitsToUint(v); }
#define TENSOR_IO(x)                                                                       \
    layout(std430, binding = RW_BIND_##x) buffer Rw_##x { uint rw_##x[]; };                \
    float x##_get(Place a, uint i) { return uintBitsToFloat(rw_##x[a + i]); }              \
    void x##_put(Place a, uint i, float v) { rw_##x[a + i] = floatBitsToUint(v); }
#define RW_QUADS(x, access) layout(std430, binding = RW_BIND_##x) access buffer Rw4_##x { vec4 rw4_##x[]; };
#define RW_GETS4(x)                                                                        \
    vec4 x##_get4(Place a, uint i) {                                                       \
        return ALIGNED != 0 ? rw4_##x[(a >> 2) + i] : RW_GET4(x, a, i);                    \
    }
#define RW_PUTS4(x)                                                                        \
    void x##_put4(Place a, uint i, vec4 v) {                                               \
        if (ALIGNED != 0) rw4_##x[(a >> 2) + i] = v;                                       \
        else RW_PUT4(x, a, i, v);                                                          \
    }
#define TENSOR_IN4(x) TENSOR_IN(x) RW_QUADS(x, readonly) RW_GETS4(x)
#define TENSOR_OUT4(x) TENSOR_OUT(x) RW_QUADS(x, writeonly) RW_PUTS4(x)
#define TENSOR_IO4(x)                                                          \
    TENSOR_IO(x)                                                               \
    layout(std430, binding = RW_BIND_##x) buffer Rw4_##x { vec4 rw4_##x[]; };  \
    RW_GETS4(x) RW_PUTS4(x)
#define TYPED_IN(x)                                                                        \
    layout(std430, binding = RW_BIND_##x) readonly buffer Rw_##x { uint rw_##x[]; };       \
    float x##_get(Place a, uint i) {                                                       \
        const uint at = a + i;                                                             \
        if (QKV_TYPE == RW_F32) return uintBitsToFloat(rw_##x[at]);                        \
        const uint word = rw_##x[at >> 1];                                                 \
        return QKV_TYPE == RW_F16 ? half_of(word, at & 1u) : bfloat_of(word, at & 1u);     \
    }
#define TYPED_IN4(x)                                                                       \
    TYPED_IN(x)                                                                            \
    RW_QUADS(x, readonly)                                                                  \
    layout(std430, binding = RW_BIND_##x) readonly buffer Rw2_##x { uvec2 rw2_##x[]; };    \
    vec4 x##_get4(Place a, uint i) {                                                       \
        if (ALIGNED == 0) return RW_GET4(x, a, i);                                         \
        const uint at = (a >> 2) + i;                                                      \
        if (QKV_TYPE == RW_F32) return rw4_##x[at];                                        \
        const uvec2 pair = rw2_##x[at];                                                    \
        return QKV_TYPE == RW_F16 ? halves_of(pair) : bfloats_of(pair);                    \
    }

#endif

/* Rows of a typed tensor: only the size of an element tells FAR places apart from skip(). */
#if FAR
#define skip_typed(a, steps, stride) rw_skip(a, steps, stride, QKV_TYPE == RW_F32 ? 2u : 1u)
#else
#define skip_typed(a, steps, stride) skip(a, steps, stride)
#endif

#define INDEX(x)                                                                           \
    layout(std430, binding = RW_BIND_##x) readonly buffer Rw_##x { int rw_##x[]; };        \
    int x##_at(int i, int fallback) {                                                      \
        return present(RW_ARG_##x) ? rw_##x[rw_arg[RW_ARG_##x].z + uint(i)] : fallback;    \
    }
#if FAR
#define INDEX_OUT(x) \
    void x##_set(Place a, uint i, int v) { RwWords(a).at[i] = uint(v); }
#else
#define INDEX_OUT(x)                                                                       \
    layout(std430, binding = RW_BIND_##x) writeonly buffer Rw_##x { int rw_##x[]; };       \
    void x##_set(Place a, uint i, int v) { rw_##x[a + i] = v; }
#endif
#define SCRATCH(x, n) layout(std430, binding = RW_BIND_SCRATCH + n) buffer RwScratch_##x { float x[]; };
#define SCRATCH4(x, n) layout(std430, binding = RW_BIND_SCRATCH + n) buffer RwScratch_##x { vec4 x[]; };

#endif
