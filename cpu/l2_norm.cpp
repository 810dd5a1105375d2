// L2_NORM on the CPU. Equation and shapes: rewind/ops/l2_norm.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: two vectors of partial sums a row
// cpu:plain                  scalar C++ for any CPU: eight partial sums a row, added in pairs
#include "rewind/ops/l2_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/l2_norm.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>

#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_L2_NORM_ROWS
#define REWIND_CPU_L2_NORM_ROWS
namespace rw::cpu {

/// Calls row(x, out, n, eps) for every row.
inline void l2_norm_rows(const Launch& launch, void (*row)(const float*, float*, int64_t, float)) {
    using namespace ops::l2_norm;
    const Params& p = launch.as<Params>();
    const int64_t rows = int64_t(p.n1) * p.n2 * p.n3, block = std::max<int64_t>(1, 16384 / p.n);
    for_units((rows + block - 1) / block, [&](int64_t unit, int64_t) {
        for (int64_t r = unit * block; r < std::min(rows, (unit + 1) * block); ++r) {
            const int64_t i1 = r % p.n1, i2 = r / p.n1 % p.n2, i3 = r / p.n1 / p.n2;
            row(launch.at<const float>(arg::x) + i1 * p.x_1 + i2 * p.x_2 + i3 * p.x_3,
                launch.at<float>(arg::out) + i1 * p.o_1 + i2 * p.o_2 + i3 * p.o_3, p.n, p.eps);
        }
    });
}

/// max(|x|, eps). Sums of 4096 squares are added up one by one: a single long sum would lose digits.
inline float l2_norm_length(float (*sum_of_squares)(const float*, int64_t), const float* x, int64_t n, float eps) {
    constexpr int64_t block = 4096;
    float sum = sum_of_squares(x, std::min(n, block));
    for (int64_t i = block; i < n; i += block) sum += sum_of_squares(x + i, std::min(n - i, block));
    return std::max(std::sqrt(sum), eps);
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

float SumOfSquares(const float* x, int64_t n) {
    const int64_t whole = n / kLanes * kLanes;
    Vec even = hn::Zero(f32), odd = even;
    int64_t i = 0;
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
        const Vec a = hn::LoadU(f32, x + i), b = hn::LoadU(f32, x + i + kLanes);
        even = hn::MulAdd(a, a, even), odd = hn::MulAdd(b, b, odd);
    }
    if (i < whole) {
        const Vec a = hn::LoadU(f32, x + i);
        even = hn::MulAdd(a, a, even);
    }
    HWY_ALIGN float rest[kLanes] = {};  // the last, partial vector, filled up with zeros
    std::copy(x + whole, x + n, rest);
    const Vec last = hn::Load(f32, rest);
    odd = hn::MulAdd(last, last, odd);
    return hn::GetLane(hn::SumOfLanes(f32, hn::Add(even, odd)));
}

void L2NormRow(const float* x, float* out, int64_t n, float eps) {
    const Vec norm = hn::Set(f32, l2_norm_length(SumOfSquares, x, n, eps));
    const int64_t whole = n / kLanes * kLanes;
    for (int64_t i = 0; i < whole; i += kLanes) hn::StoreU(hn::Div(hn::LoadU(f32, x + i), norm), f32, out + i);
    HWY_ALIGN float rest[kLanes] = {};
    std::copy(x + whole, x + n, rest);
    hn::Store(hn::Div(hn::Load(f32, rest), norm), f32, rest);
    std::copy_n(rest, n - whole, out + whole);
}

void L2Norm(const Launch& launch) { l2_norm_rows(launch, L2NormRow); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

float plain_sum(const float* x, int64_t n) {
    float sum[8] = {};
    for (int64_t i = 0; i < n; ++i) sum[i % 8] += x[i] * x[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

void plain_row(const float* x, float* out, int64_t n, float eps) {
    const float norm = l2_norm_length(plain_sum, x, n, eps);
    for (int64_t i = 0; i < n; ++i) out[i] = x[i] / norm;
}

void plain(const Launch& launch) { l2_norm_rows(launch, plain_row); }

}  // namespace

std::vector<Kernel> l2_norm_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(L2Norm, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
