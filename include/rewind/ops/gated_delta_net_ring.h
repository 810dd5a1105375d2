// GATED_DELTA_NET_RING: the gated delta rule with a delayed state update, so that rolling back is setting pos.
//
// Two states that follow each other differ by one row (k, d, g). Kept per sequence: the state at the start of each of
// the last n_base blocks of W positions (base), and a ring of the rows of those blocks, all addressed by absolute
// position. A token at position p in the block that starts at b0 uses that block's base S and its rows s in [b0, p):
//
//   m_p = exp(G(p)) S^T k_p + sum_{s<p}  D(p,s) (k_s . k_p) d_s        G(p)   = sum of g over [b0, p]
//   d_p = beta_p (v_p - m_p)                                           D(p,s) = exp(sum of g over (s, p])
//   o_p = scale (exp(G(p)) S^T q_p + sum_{s<=p} D(p,s) (k_s . q_p) d_s)
//
// and the token that completes a block writes the next base, S' = exp(G) S + sum_s D(b0+W-1, s) k_s d_s^T. With
// per-channel gates the decays go inside the dot products. That is the recurrence of GATED_DELTA_NET written out; an
// implementation may as well apply the pending rows to the state one after the other before the new tokens. Either way
// the result depends on positions and data only, never on how tokens were grouped into calls or what was rolled back.
//
//   q, k, v, g, beta, dt_bias, a, out, first, seq, seq_len: as in gated_delta_net.h and slots.h
//   pos     i32 [B]                       position of the sequence's first token in this call; < 0: nothing is touched
//   base    [S_k S_v H_v, n_base, P]      block b lives in slot b mod n_base; element (i, j, h) at i + S_k (j + S_v h)
//   ring_k  [S_k, H_k, W n_base, P]       row of position p at p mod (W n_base): k as used (normalised)
//   ring_d  [S_v, H_v, W n_base, P]       the delta d
//   ring_g  [1 or S_k, H_v, W n_base, P]  log decay, as used
//
// All f32, updated in place. W = ring_k.ne[2] / base.ne[1], one of 4, 8, 16, 32, 64; n_base >= 2. Base slot 0 is read at
// position 0, never assumed zero. Rows past seq_len are not stored.
//
// After a call that ends at position e (one past its last token), L = floor(e / W): bases of blocks up to L and rows of
// positions of the call are stored as far as they belong to blocks > L - n_base; what is older is not written.
// With H the highest end ever computed for a sequence, pos = p is valid iff p >= W max(0, floor(H/W) - n_base + 1) and
// p <= the end of what was computed; rolling back does not lower H. The caller keeps that law (SequenceState does).
//
// path: exact needs T <= W (n_base - 1), which lets every row be read before any row that replaces it is written;
// prefill takes any T, chunk-parallel. auto = exact when T <= min(RW_GDN_EXACT_TOKENS, W (n_base - 1)).
// For packed tokens T is max_len, or all N rows without it.
#ifndef REWIND_OPS_GATED_DELTA_NET_RING_H
#define REWIND_OPS_GATED_DELTA_NET_RING_H

#include "rewind/ops/gated_delta_net.h"

#define RW_RING_FIELDS(I, F)                                            \
    I(T) I(B) I(N) I(packed) I(has_seq) I(has_seq_len) I(pool)          \
    I(W)          /* positions of a block */                            \
    I(n_base)     /* bases kept */                                      \
    I(base_slot) I(base_row) /* elements between bases, pool rows */    \
    I(rk_h) I(rk_t) I(rk_b) I(rd_h) I(rd_t) I(rd_b) I(rg_h) I(rg_t) I(rg_b)

#define RW_GATED_DELTA_NET_RING_FIELDS(I, F) RW_RING_FIELDS(I, F) RW_GDN_FIELDS(I, F)
RW_PARAMS(gated_delta_net_ring_params, RW_GATED_DELTA_NET_RING_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::gated_delta_net_ring {

using Params = gated_delta_net_ring_params;
using Table = gated_delta_net_ring_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// As for GATED_DELTA_NET, for out, base and the rows alike: the two are the same recurrence.
double tolerance(const Call& call, int arg);

/// Words of gated_delta_net::example without slots (K, K_in, in_slot, order, alias), and W (16), n_base (2),
/// pos=list (all 0), rowg = fill style of ring_g.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::gated_delta_net_ring
#endif
#endif
