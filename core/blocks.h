// The quantised types: blocks of 32 or 256 elements, laid out as in GGUF files. Below, d, m, dmin are IEEE halves, a
// number in front of a field its byte offset, q the element's stored number, little-endian throughout.
//
//   nibbles of 32 elements in 16 bytes: element l < 16 is the low half of byte l, l + 16 the high half
//   nibbles of 256 in 128 bytes: sub-blocks (of 32) 2 p and 2 p + 1 are the low and high halves of bytes 32 p .. 32 p + 31
//   fifth bits: bit l of a word of 32 bits for element l
//
//   q8_0    34 bytes   0 d, 2 signed bytes                                     d q
//   q4_0    18         0 d, 2 nibbles                                          d (q - 8)
//   q4_1    20         0 d, 2 m, 4 nibbles                                     d q + m
//   q5_0    22         0 d, 2 fifth bits, 6 nibbles                            d (q - 16)
//   q5_1    24         0 d, 2 m, 4 fifth bits, 8 nibbles                       d q + m
//   iq4_nl  18         0 d, 2 nibbles                                          d code[q]
//   q4_k    144        0 d, 2 dmin, 4 scales, 16 nibbles                       d scale q - dmin min
//   q5_k    176        0 d, 2 dmin, 4 scales, 16 fifth bits, 48 nibbles        d scale q - dmin min
//   q6_k    210        0 low 4 bits, 128 high 2 bits, 192 16 signed scales, 208 d   d scale (q - 32)
//   iq4_xs  136        0 d, 2 high 2 bits of scales, 4 low 4 bits, 8 nibbles   d (scale - 32) code[q]
//
//   scales of q4_k, q5_k: 6 bits a scale and a min for 8 sub-blocks in 12 bytes s: of sub-block j < 4 in s[j] and s[j + 4];
//   of j >= 4 the low and high half of s[j + 4] with the two high bits of s[j - 4] (scale) and s[j] (min) on top
//   q5_k: bit j of byte l of the fifth bits is for element l of sub-block j
//   q6_k: a half of 128 elements has 64 bytes of low and 32 of high bits; its element 32 c + l has the low (c < 2) or high
//   half of byte 32 (c & 1) + l, bits 2 c, 2 c + 1 of byte l on top, and scale 8 half + 2 c + l / 16
//   iq4_xs: 16 bytes of nibbles a sub-block, ordered as in a block of 32
#pragma once

#include <cstdint>

#include "rewind/ops/contract.h"

namespace rw::core {

/// What the four bits of iq4_nl and iq4_xs stand for.
inline constexpr int8_t iq4_code[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// One block to its elements: the formulas above in double, where they are exact. Throws Error(internal) for a type that
/// is not quantised.
void dequantise(Type type, const std::byte* block, double* values);

/// Elements to one block: scales from the largest of their elements, then each element to the nearest number. For tests
/// and examples; no search for better scales. Elements that are not finite make a block of NaN.
void quantise(Type type, const double* values, std::byte* block);

}  // namespace rw::core
