// A gemm of a kernel row (core/kernel_rows.h) for one call: what a backend hands to its library. A backend without one
// declines such rows.
#pragma once

#include "core/kernel_rows.h"

namespace rw::core {

namespace why {  // the other words are in core/messages.h

inline constexpr char no_gemm[] = "this backend has no library that multiplies matrices";
inline constexpr char no_clblast[] = "this build is without CLBlast";
inline constexpr char gemm_too_large[] = "the library counts elements in 31 bits: smaller matrices, nearer to a buffer's start";
inline constexpr char gemm_unaligned[] = "the library takes host memory that begins at a multiple of 64 bytes";

}  // namespace why

/// c[i, j] = (adds ? c[i, j] : 0) + sum over k < K of a[i, k] b[j, k], i < M, j < N, in f32; rows are packed.
struct Product {
    struct Matrix {
        size_t operand;         // an argument of the op; behind those, scratch of the row
        int64_t stride, start;  // elements between rows, and before the first one
    };
    int64_t M, N, K;
    bool adds;
    Matrix a, b, c;
};

/// One, or one for each cut of k, in order. `scope` has entered the piece that is wanted.
std::vector<Product> products(const ops::Op& op, const KernelRow& row, const Gemm& gemm, const Scope& scope);

}  // namespace rw::core
