// The family of SSM_SCAN, RWKV7_WKV and GATED_LINEAR_ATTENTION: linear recurrences whose columns do not see each other.
//
// Per head a state S in R^{S_k x S_v}; column j of it, s in R^{S_k}, and token t (everything but s, value and y is the
// same for all columns of a head):
//
//   s <- decay o s + key value_j  [+ b (a . s), with s from before the token]         y_j = query . s
//
// The reduction runs along the column, so a column's S_k entries are contiguous: within a slot element (i, j, h) is at
// i + S_k (j + S_v h), as in GATED_DELTA_NET. Slots, sequences and packed tokens: slots.h.
//
// There is one path and it is exact: token-sequential arithmetic with a fixed reduction tree, so the same bits for every
// partition of the tokens into calls on one device and implementation.
#ifndef REWIND_OPS_SCAN_H
#define REWIND_OPS_SCAN_H

#include "rewind/ops/slots.h"

#define RW_SCAN_FIELDS(I, F)               \
    RW_SLOT_FIELDS(I, F)                   \
    I(S_k) /* length of a column */        \
    I(S_v) /* columns of a head */         \
    I(H)   /* heads */

#endif
