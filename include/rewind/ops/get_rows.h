// GET_ROWS: rows of a table by number, as f32. Embeddings of tokens, or rows of hidden states.
//
//   out[:, i] = table[:, ids[i]]
//
//   table  [n, R]    f32, f16, bf16 or quantised (core/blocks.h); rows contiguous
//   ids    i32 [N]   0..R-1; -1 is padding: the row is not written. Another number raises a fault and is skipped
//   out    [n, N]    f32; rows contiguous
//
// Elements of quantised rows are the f32 numbers nearest to what their blocks stand for.
#ifndef REWIND_OPS_GET_ROWS_H
#define REWIND_OPS_GET_ROWS_H

#include "rewind/ops/dialect.h"

#define RW_GET_ROWS_FIELDS(I, F)                              \
    I(n)              /* elements of a row */                 \
    I(R)              /* rows of the table */                 \
    I(N)              /* rows of out */                       \
    I(table_r) I(o_r) /* elements between rows, blocks of a quantised table */             \
    I(table_type)
RW_PARAMS(get_rows_params, RW_GET_ROWS_FIELDS)

#if defined(__cplusplus)
#include <rewind/ops/registry.h>  // C++ only: not part of what kernels see

namespace rw::ops::get_rows {

using Params = get_rows_params;
using Table = get_rows_params_table;

void validate(const Call& call);
Params params(const Call& call);
Cost cost(const Call& call);

/// 0: every f16 and bf16 number is an f32 one. 1e-12 from f16, whose subnormal numbers a device may flush; rounding of
/// a product and a sum from blocks.
double tolerance(const Call& call, int arg);

/// Example call from words: n (64), R (16), N (4) · ids=list (numbers that jump about) · type=f32|f16|q4_k|... ·
/// layout=packed|padded|odd · stridden.
Example example(const Dims& dims);

extern const char* const selftest[];

}  // namespace rw::ops::get_rows
#endif
#endif
