// KV_STORE: keys and values of the call's tokens go to a cache that is addressed by position, so that rolling back is
// setting pos:
//
//   cache_k[:, h, pos[b] + t, seq[b]] = k[:, h, t, b]        the same for v
//
//   k, v              [D, H, T, B]  f32; D of its own for v. Rows contiguous, other strides free; packed: [D, H, N, 1]
//   pos               i32 [B]       position of the sequence's first token in this call; < 0: nothing is touched
//   seq, first, seq_len, max_len    as in slots.h: a padded sequence and rows past seq_len touch nothing
//   cache_k, cache_v  [D, H, R, P]  f32, f16 or q8_0, updated in place: R positions of P pool rows; rows contiguous
//
// Rows of a 16-bit cache begin at multiples of four bytes and have an even number of elements: devices write words. f16
// is rounded to nearest even, what passes 65504 becomes infinite. A sequence that would pass position R - 1 raises a
// fault and is skipped. Every row written depends on its own token alone.
//
// q8_0 (core/blocks.h) takes D in blocks of 32. Of a block x, with m the largest |x_i|:
//
//   d   = m c rounded to f32, then to f16; c = RW_Q8_0_STEP, the f32 number nearest to 1 / 127
//   q_i = the whole number nearest to x_i / d, ties to the even one, within -127 .. 127; 0 when d is 0
//
// d is NaN and every q is 0 where that d would not be finite (m is NaN, infinite or from 8321040 on): better a loud
// block than a wrong one. It is x_i / d that decides, no device's quotient: all store the same bytes. An estimate of
// |x| / d that is off by less than one half becomes q with two comparisons, as 2 |x| and (2 q +- 1) d are f32 numbers.
#ifndef REWIND_OPS_KV_STORE_H
#define REWIND_OPS_KV_STORE_H

#include "rewind/ops/slots.h"

#define RW_Q8_0_STEP 0.0078740157186985015869140625f

#define RW_KV_STORE_FIELDS(I, F)                                              \
    I(T) I(B) I(N) I(packed) I(has_seq) I(has_seq_len) I(pool)                \
    I(R)                     /* positions of a cache row */                   \
    I(H) I(D_k) I(D_v)                                                        \
    I(k_h) I(k_t) I(k_b)     /* elements between neighbours of k */           \
    I(v_h) I(v_t) I(v_b)                                                      \
    I(ck_h) I(ck_r) I(ck_b)  /* of cache_k; blocks, of q8_0 */                \
    I(cv_h) I(cv_r) I(cv_b)                                                   \
    I(k_type) I(v_type)      /* of the caches */
RW_PARAMS(kv_store_params, RW_KV_STORE_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::kv_store {

using Params = kv_store_params;
using Table = kv_store_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// 0: values are copied, rounded as the equations say.
double tolerance(const Call& call, int arg);

/// Example call from words: D (64), D_v (D), H (2), R (32), T, B, pool, seq, first, len, N, max_len · pos=list (0; one
/// value is for all sequences) · type, type_v=f32|f16|q8_0 of the caches · layout=packed|permuted|padded|odd of k and
/// v · cachelayout=packed|padded|permuted · x=normal|huge|tiny|small (q8_0: a subnormal d)|ties (whole numbers up to
/// 254: odd ones lie half-way)|past (some blocks without a finite d, some of zeros) · stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::kv_store
#endif
#endif
