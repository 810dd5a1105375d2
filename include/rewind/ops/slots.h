// Addressing shared by every op whose state lives in slots.
//
//   state      [D, K_in, P]  slot-addressed pool: D elements a slot, K_in slots, P pool rows
//   state_out  [D, K, P]     K snapshot slots; may be the same memory as state
//   in_slot    i32 [B], 0 when absent: the slot that holds sequence b's input state. Rolling back is choosing a slot.
//   seq        i32 [B], b when absent: the pool row of sequence b; -1 is a padded sequence
//   first      i32 [B], absent: token t of sequence b is row (t, b). Present: tokens of all sequences are packed in one
//              row axis of N rows and token t of sequence b is row first[b] + t
//   seq_len    i32 [B], T when absent: tokens of sequence b in this call, 0..T
//   max_len    attribute, for packed tokens only: T, the most tokens that a sequence of this call has. 0: N, as if one
//              sequence could have all rows. Thresholds and grids follow it, so batches of short calls want it
//
// With n = seq_len[b], order = trailing: token t is kept in slot t - (n - K) when that is >= 0, so the last slot is the
// final state; order = recent_first: token t is kept in slot n - 1 - t when that is < K, so slot 0 is the final state.
// Slots that no token maps to are not touched. A padded sequence and one of length 0: nothing is read or written.
// A value out of range: the sequence is skipped and a fault bit raised. The caller's to see to, as nobody looks for it:
// sequences of one call have different pool rows and, packed, no token row in common. Else anything may be left there.
//
// state and state_out lie apart in memory, or are one tensor (same start and strides); interleaved planes are refused.
#ifndef REWIND_OPS_SLOTS_H
#define REWIND_OPS_SLOTS_H

#include "rewind/ops/dialect.h"

#define RW_ORDER_TRAILING 0
#define RW_ORDER_RECENT_FIRST 1

#define RW_SLOT_FIELDS(I, F)                                                  \
    I(T)           /* most tokens of a sequence in this call */               \
    I(B)           /* sequences */                                            \
    I(N)           /* token rows: of all sequences when packed, else T */    \
    I(K)           /* slots of state_out */                                   \
    I(K_in)        /* slots of state */                                       \
    I(pool)        /* pool rows P */                                          \
    I(order)       /* RW_ORDER_* */                                           \
    I(packed)      /* 1: first is given */                                    \
    I(has_in_slot) I(has_seq) I(has_seq_len)                                  \
    I(state_slot)  /* elements between slots of state */                      \
    I(state_row)   /* elements between pool rows of state */                  \
    I(out_slot)    /* elements between slots of state_out */                  \
    I(out_row)     /* elements between pool rows of state_out */

#if defined(__cplusplus)
namespace rw::ops {

/// The slot that token t of n is kept in, or -1.
constexpr int kept_slot(int t, int n, int K, int order) {
    const int slot = order == RW_ORDER_TRAILING ? t - (n - K) : n - 1 - t;
    return slot >= 0 && slot < K ? slot : -1;
}

}  // namespace rw::ops
#endif
#endif
