// What the two causal convolutions share: vectors of WIDTH neighbouring channels, their weights, and the sum. Needs
// block.glsl. Compile-time: QUADS 1 (four channels an invocation; 16-byte aligned tensors, a multiple of four channels)
// or 0 (one channel, anything goes); FAR: load.glsl.
//
//   VEC                               WIDTH channels
//   x_row(s), out_row(s)              token 0 of sequence s; then skip_typed(x_row, t, p.x_t), skip(out_row, t, p.o_t).
//                                     A kernel reads these and the strides once: buffers it writes might, to the
//                                     compiler, be the block they are in
//   x_at(row, c), out_set(row, c, v)  its channels c .. c + WIDTH - 1
//   GET_COLUMNS(name, place, c, n, v) v[j] = entry j of each of these channels in tensor `name`, where a channel's n
//                                     entries are neighbours
//   PUT_COLUMNS(name, place, c, n, v) the inverse
//   conv_out(w, x, b, silu)           the output, from the weights and the last TAPS inputs
#ifndef REWIND_CONV_GLSL
#define REWIND_CONV_GLSL

layout(constant_id = 10) const int TAPS = 4;
layout(constant_id = 11) const int QKV_TYPE = 0;  // of x: RW_F32 | RW_F16 | RW_BF16; the name is load.glsl's

#include "load.glsl"
#include "math.glsl"
#include "slots.glsl"

#if QUADS

#define VEC vec4
const int WIDTH = 4;
TYPED_IN4(x)
TENSOR_OUT4(out)
TENSOR_IN4(weight)
TENSOR_IN4(bias)
VEC x_at(Place row, int c) { return x_get4(row, uint(c) / 4u); }
VEC bias_at(int c) { return bias_get4(start(RW_ARG_bias), uint(c) / 4u); }
void out_set(Place row, int c, VEC v) { out_put4(row, uint(c) / 4u, v); }
VEC sigmoid_vec(VEC y) { return vec4(sigmoid_(y.x), sigmoid_(y.y), sigmoid_(y.z), sigmoid_(y.w)); }

#define GET_COLUMNS(name, place, c, n, v)                                                                     \
    {                                                                                                         \
        float entry[4 * (n)];                                                                                 \
        [[unroll]] for (int i = 0; i < (n); ++i) {                                                            \
            const vec4 four = name##_get4(place, uint((c) / 4 * (n) + i));                                    \
            [[unroll]] for (int k = 0; k < 4; ++k) entry[4 * i + k] = four[k];                                \
        }                                                                                                     \
        [[unroll]] for (int j = 0; j < (n); ++j)                                                              \
            v[j] = vec4(entry[j], entry[(n) + j], entry[2 * (n) + j], entry[3 * (n) + j]);                    \
    }
#define PUT_COLUMNS(name, place, c, n, v)                                                                     \
    {                                                                                                         \
        float entry[4 * (n)];                                                                                 \
        [[unroll]] for (int j = 0; j < (n); ++j)                                                              \
            [[unroll]] for (int k = 0; k < 4; ++k) entry[k * (n) + j] = v[j][k];                              \
        [[unroll]] for (int i = 0; i < (n); ++i)                                                              \
            name##_put4(place, uint((c) / 4 * (n) + i),                                                       \
                        vec4(entry[4 * i], entry[4 * i + 1], entry[4 * i + 2], entry[4 * i + 3]));            \
    }

#else

#define VEC float
const int WIDTH = 1;
TYPED_IN(x)
TENSOR_OUT(out)
TENSOR_IN(weight)
TENSOR_IN(bias)
VEC x_at(Place row, int c) { return x_get(row, uint(c)); }
VEC bias_at(int c) { return bias_get(start(RW_ARG_bias), uint(c)); }
void out_set(Place row, int c, VEC v) { out_put(row, uint(c), v); }
VEC sigmoid_vec(VEC y) { return sigmoid_(y); }

#define GET_COLUMNS(name, place, c, n, v) \
    [[unroll]] for (int j = 0; j < (n); ++j) v[j] = name##_get(place, uint((c) * (n) + j));
#define PUT_COLUMNS(name, place, c, n, v) \
    [[unroll]] for (int j = 0; j < (n); ++j) name##_put(place, uint((c) * (n) + j), v[j]);

#endif

Place x_row(Sequence s) { return skip_typed(skip_typed(start(RW_ARG_x), s.b, p.x_b), s.token, p.x_t); }
Place out_row(Sequence s) { return skip(skip(start(RW_ARG_out), s.b, p.o_b), s.token, p.o_t); }

VEC conv_out(VEC w[TAPS], VEC x[TAPS], VEC b, bool silu) {
    precise VEC y = b;
    [[unroll]] for (int j = 0; j < TAPS; ++j) y = fma(w[j], x[j], y);
    if (silu) y = y * sigmoid_vec(y);
    return y;
}

#endif
