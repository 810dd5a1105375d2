// RMS_NORM on the CPU. Equation and shapes: rewind/ops/rms_norm.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: two vectors of partial sums a row
// cpu:plain                  scalar C++ for any CPU: eight partial sums a row, added in pairs
//
// Rows are gone over twice, and s = x + residual is made both times: nothing is kept between, and the second time an
// element's inputs are read just before its outputs are written, which may lie over them.
#include "rewind/ops/rms_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/rms_norm.cpp"
#include <hwy/foreach_target.h>

#include <cmath>

#include "cpu/rows.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_RMS_NORM_ROWS
#define REWIND_CPU_RMS_NORM_ROWS
namespace rw::cpu {

/// One row; null what is absent.
struct RmsRow {
    const float *x, *residual, *weight, *gate;
    float *out, *sum;
    int64_t n;
    float eps;
};

/// Sums of this many squares are added up one by one: a single long sum would lose digits.
constexpr int64_t kRmsBlock = 4096;

inline void rms_norm_rows(const Launch& launch, void (*normalise)(const RmsRow&)) {
    using namespace ops::rms_norm;
    const Params& p = launch.as<Params>();
    const auto row_of = [&](int arg, int64_t at) { return launch.arg[arg] ? launch.at<float>(arg) + at : nullptr; };
    for_rows(p, [&](const RowIndex& r) {
        normalise({row_of(arg::x, r.at(p.x_1, p.x_2, p.x_3)), row_of(arg::residual, r.at(p.r_1, p.r_2, p.r_3)),
                   row_of(arg::weight, 0), row_of(arg::gate, r.at(p.g_1, p.g_2, p.g_3)),
                   row_of(arg::out, r.at(p.o_1, p.o_2, p.o_3)), row_of(arg::sum, r.at(p.s_1, p.s_2, p.s_3)), p.n, p.eps});
    });
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

HWY_INLINE Vec Stream(const RmsRow& r, int64_t i) {
    const Vec x = LoadOf(r.x, i, r.n);
    return r.residual ? hn::Add(x, LoadOf(r.residual, i, r.n)) : x;
}

float RmsSquares(const RmsRow& r) {
    float sum = 0;
    for (int64_t begin = 0; begin < r.n; begin += kRmsBlock) {
        const int64_t end = std::min(begin + kRmsBlock, r.n);
        Vec even = hn::Zero(f32), odd = even;
        for (int64_t i = begin; i < end; i += 2 * kLanes) {
            const Vec a = Stream(r, i);
            even = hn::MulAdd(a, a, even);
            if (i + kLanes >= end) continue;
            const Vec b = Stream(r, i + kLanes);
            odd = hn::MulAdd(b, b, odd);
        }
        sum += Sum(hn::Add(even, odd));
    }
    return sum;
}

void RmsNormRow(const RmsRow& r) {
    const Vec factor = hn::Set(f32, 1 / std::sqrt(RmsSquares(r) / float(r.n) + r.eps));
    for (int64_t i = 0; i < r.n; i += kLanes) {
        const Vec s = Stream(r, i);
        Vec y = hn::Mul(s, factor);
        if (r.weight) y = hn::Mul(y, LoadOf(r.weight, i, r.n));
        if (r.gate) y = hn::Mul(y, SiluOf(LoadOf(r.gate, i, r.n)));
        StoreOf(y, r.out, i, r.n);
        if (r.sum) StoreOf(s, r.sum, i, r.n);
    }
}

void RmsNorm(const Launch& launch) { rms_norm_rows(launch, RmsNormRow); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain_row(const RmsRow& r) {
    const auto stream = [&](int64_t i) { return r.residual ? r.x[i] + r.residual[i] : r.x[i]; };
    float squares = 0;
    for (int64_t begin = 0; begin < r.n; begin += kRmsBlock) {
        float sum[8] = {};
        for (int64_t i = begin; i < std::min(begin + kRmsBlock, r.n); ++i) sum[i % 8] += stream(i) * stream(i);
        squares += ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    }
    const float factor = 1 / std::sqrt(squares / float(r.n) + r.eps);
    for (int64_t i = 0; i < r.n; ++i) {
        const float s = stream(i);
        float y = s * factor;
        if (r.weight) y *= r.weight[i];
        if (r.gate) y *= r.gate[i] / (1 + std::exp(-r.gate[i]));
        r.out[i] = y;
        if (r.sum) r.sum[i] = s;
    }
}

void plain(const Launch& launch) { rms_norm_rows(launch, plain_row); }

}  // namespace

std::vector<Kernel> rms_norm_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(RmsNorm, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
