// ATTENTION: causal attention of the call's tokens over a cache of keys and values that is addressed by position. The
// tokens' own keys and values are in it already: KV_STORE runs before.
//
//   token t of sequence b is at position p = pos[b] + t and sees the positions 0 .. p of pool row seq[b]
//   w_s            = exp(scale q[:, h, t, b] . cache_k[:, h', s, seq[b]])           h' = h / (H / H_kv), s = 0 .. p
//   out[:, h, t, b] = sum of w_s cache_v[:, h', s, seq[b]] / sum of w_s  [/ (1 + exp(-gate[:, h, t, b]))]
//
//   q                 [D, H, T, B]      f32; rows contiguous, other strides free; packed: [D, H, N, 1]
//   cache_k           [D, H_kv, R, P]   f32, f16 or q8_0: R positions of P pool rows; rows contiguous. H % H_kv == 0
//   cache_v           [D_v, H_kv, R, P] of the same type
//   pos               i32 [B]           position of the sequence's first token in this call; < 0: nothing is written
//   seq, first, seq_len, max_len        as in slots.h: a padded sequence and rows past seq_len are not written
//   gate              [D_v, H, T, B]    optional, strides as free as those of q: both may lie side by side in one tensor
//   out               [D_v, H, T, B]
//
// D and D_v are multiples of 16 (of 32 with q8_0), at most 512. scale = 0 is 1 / sqrt(D). A sequence that would pass
// position R - 1 raises a fault and is skipped. What lies in the cache past a token's position is not looked at.
//
// A row has the same bits in any call, alone or with others, in whatever groups its tokens come: positions are taken
// in parts that begin at fixed multiples, each with its own largest score, and the parts are put together in their
// order. So a long context can be spread over many threads, and rolling back is setting pos.
#ifndef REWIND_OPS_ATTENTION_H
#define REWIND_OPS_ATTENTION_H

#include "rewind/ops/slots.h"

#define RW_ATTENTION_MAX_D 512

#define RW_ATTENTION_FIELDS(I, F)                                             \
    I(T) I(B) I(N) I(packed) I(has_seq) I(has_seq_len) I(pool)                \
    I(R)                     /* positions of a cache row */                   \
    I(H) I(H_kv) I(D) I(D_v)                                                  \
    I(q_h) I(q_t) I(q_b)     /* elements between neighbours of q */           \
    I(k_h) I(k_r) I(k_b)     /* of cache_k; blocks, of q8_0 */                \
    I(v_h) I(v_r) I(v_b)     /* of cache_v */                                 \
    I(g_h) I(g_t) I(g_b)     /* of gate */                                    \
    I(o_h) I(o_t) I(o_b)     /* of out */                                     \
    I(type)                  /* of the caches */                              \
    F(scale)
RW_PARAMS(attention_params, RW_ATTENTION_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::attention {

using Params = attention_params;
using Table = attention_params_table;

void validate(const Call& call);
Params params(const Call& call);
/// That of a full cache: where the tokens are is data.
Cost cost(const Call& call);

/// NMSE of an f32 row. A score is a sum of D products and goes into an exponent: its error, a few 2^-24 of what scores
/// usually are, becomes one of the weight. For entries of size one scores are near scale sqrt(D).
double tolerance(const Call& call, int arg);

/// Example call from words: D (64), D_v (D), H (4), H_kv (2), R (32), T, B, pool, seq, first, len, N, max_len ·
/// pos=list (0; one value is for all sequences) · type=f32|f16|q8_0 of the caches · gate (0|1) · scale ·
/// layout=packed|permuted|padded|odd of q and gate · cachelayout=packed|padded|permuted · stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::attention
#endif
#endif
