// Rows of a call over threads, for ops whose tensors are [n, n1, n2, n3].
#pragma once

#include <algorithm>

#include "cpu/cpu.h"
#include "cpu/parallel.h"

namespace rw::cpu {

/// Where a row is among n1, n2, n3.
struct RowIndex {
    int64_t i1, i2, i3;
    /// Elements from the tensor's start to this row, by the strides of its dimensions.
    int64_t at(int64_t s1, int64_t s2, int64_t s3) const { return i1 * s1 + i2 * s2 + i3 * s3; }
};

/// Calls row(index) for every row of the call, several a work unit.
template <class Params, class Row>
void for_rows(const Params& p, const Row& row) {
    const int64_t rows = int64_t(p.n1) * p.n2 * p.n3, block = std::max<int64_t>(1, 16384 / p.n);
    for_units((rows + block - 1) / block, [&](int64_t unit, int64_t) {
        for (int64_t r = unit * block; r < std::min(rows, (unit + 1) * block); ++r)
            row(RowIndex{r % p.n1, r / p.n1 % p.n2, r / p.n1 / p.n2});
    }, 4 * rows * p.n);
}

}  // namespace rw::cpu
