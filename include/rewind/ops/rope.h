// ROPE: rotary position embedding. The first `dims` elements of a head's row turn in pairs (p, p + dims / 2), the rest
// is copied:
//
//   angle = position * freq_base^(-2 p / dims)                        p = 0 .. dims / 2 - 1
//   out[p]            = x[p] cos(angle) - x[p + dims / 2] sin(angle)
//   out[p + dims / 2] = x[p] sin(angle) + x[p + dims / 2] cos(angle)
//
//   x, out  [D, H, T, B]   f32; rows contiguous, other strides free; out may be x's own memory
//   pos     i32 [T, P, B]  of every token; packed in the dimensions 0 and 1
//
// P = 1: one position a token. P = 3 or 4: positions in time, height and width (and a fourth); pair p takes the one of
// time where p % 3 = 0 and p < 3 section_t, of height where p % 3 = 1 and p < 3 section_h, of width where p % 3 = 2 and
// p < 3 section_w, and else the fourth, or that of time where there are three. A text token has the same position in
// all the planes that its pairs take, and then the bits of P = 1.
//
// dims: 0 is D; even, at most RW_ROPE_MAX_DIMS. freq_base > 1. A token whose first position is below 0 is padding:
// nothing of it is written. Another position below 0 raises a fault, and the token is skipped.
//
// Angles are computed in whole numbers, as parts of a turn: 64 bits for the turn that one position adds, of which 32
// are left when the whole turns are gone. They are the same on all devices and as good at position 2^31 as at 1, where
// an f32 product has lost all digits. An element's bits depend on its row and position alone.
#ifndef REWIND_OPS_ROPE_H
#define REWIND_OPS_ROPE_H

#include "rewind/ops/dialect.h"

#define RW_ROPE_MAX_DIMS 512

/* 1 / (2 pi): turns that pair 0 makes for one position, in units of 2^-64. */
#define RW_ROPE_TURN_HIGH 0x28be60dbu
#define RW_ROPE_TURN_LOW 0x9391054au
/* Radians of 2^-32 turns. */
#define RW_ROPE_RADIANS 1.46291807926716e-9f

#define RW_ROPE_FIELDS(I, F)                                                              \
    I(D) I(H) I(T) I(B)                                                                   \
    I(P)                     /* positions of a token */                                   \
    I(half_dims)             /* pairs that turn */                                        \
    I(units)                 /* pairs of elements to write: D / 2, the turning ones in place */ \
    I(x_h) I(x_t) I(x_b)     /* elements between neighbours of x */                       \
    I(o_h) I(o_t) I(o_b)     /* of out */                                                 \
    I(pos_b)                 /* of pos, from sequence to sequence */                      \
    I(section_t) I(section_h) I(section_w)                                                \
    I(ratio_high) I(ratio_low) /* freq_base^(-2 / dims) in units of 2^-64 */
RW_PARAMS(rope_params, RW_ROPE_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::rope {

using Params = rope_params;
using Table = rope_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// NMSE of an f32 row: sine and cosine of an angle that is right to 2^-32 turns, and three roundings an element.
double tolerance(const Call& call, int arg);

/// Example call from words: D (64), H (2), T, B (1) · dims (0) · freq_base (10000) · planes (1) · sections=t,h,w ·
/// pos=list (0; one a sequence, of its first token; the planes of a token differ) · text (0|1: all planes alike) · pad
/// (0|1: every third token is padding) · bad (0|1: a position below 0) · alias (0|1) ·
/// layout=packed|permuted|padded|odd · stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::rope
#endif
#endif
