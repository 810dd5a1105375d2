// What ops on rows share: tensors [n, n1, n2, n3] whose rows are contiguous and lie anywhere.
#pragma once

#include "rewind/ops/registry.h"

namespace rw::ops {

/// Elements between neighbours in the dimensions 1 to 3, as parameter structs have them.
struct RowStrides {
    int32_t s1, s2, s3;
};
inline RowStrides row_strides(const Tensor& t) {
    return {int32_t(t.stride(1)), int32_t(t.stride(2)), int32_t(t.stride(3))};
}

/// Checks that the argument, when it is present, has this shape and contiguous rows that 32-bit fields can tell about.
void validate_rows(const Check& check, const Call& call, int arg, const char* name, const Extent& ne,
                   const char* spelled);
/// Checks that the rows can be counted in 32 bits.
void validate_row_count(const Check& check, const char* name, const Extent& ne);

/// [n, n1, n2, n3] of a case line.
Extent example_rows(const Dims& dims);
/// The word x: normal, huge (past what f16 holds) or tiny (the subnormal numbers of f16).
Fill example_values(const Dims& dims);
/// The word rows of ops that choose among numbers: normal, ties (seven different ones), same (but the first of a row, which
/// is less) or wide (-60 to 60), for rows of n.
Fill example_logits(const Dims& dims, int64_t n, int64_t rows);
/// Another memory layout for packed rows: packed | padded (rows that are part of wider ones) | odd (no vector load is
/// aligned) | permuted (dimensions 1 and 2 swapped) | swapped (1 and 3).
void lay_out_rows(Example::Arg& x, const std::string& layout);

}  // namespace rw::ops
