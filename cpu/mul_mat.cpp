// MUL_MAT on the CPU. Equation and shapes: rewind/ops/mul_mat.h.
//
// cpu:onednn                 oneDNN, for the rows of a prompt: cpu/mul_mat_onednn.cpp
// cpu:avx512, cpu:avx2, ...  Highway, one a target
// cpu:plain                  scalar C++ for any CPU: a row of w at a time, expanded to f32
//
// How: cpu/mul_mat-inl.h.
#include "rewind/ops/mul_mat.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/mul_mat.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>

#include "cpu/mul_mat_onednn.h"
#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_MUL_MAT_SHARED
#define REWIND_CPU_MUL_MAT_SHARED
namespace rw::cpu {

constexpr int64_t kCopyFrom = 5;  // rows of x from which they are copied to where they do not meet in the cache

/// The rows of a call.
struct MulMatRows {
    explicit MulMatRows(const Launch& launch)
        : p(launch.as<ops::mul_mat::Params>()), K(p.K), w(launch.at<const uint8_t>(ops::mul_mat::arg::w)),
          x(launch.at<const float>(ops::mul_mat::arg::x)), x_row(p.x_1), out(launch.at<float>(ops::mul_mat::arg::out)),
          add(p.has_add ? launch.at<const float>(ops::mul_mat::arg::add) : nullptr),
          type(info(Type(p.w_type))), w_row(int64_t(p.w_1) * type.bytes) {}

    const uint8_t* weights(int64_t n) const { return w + n * w_row; }
    const float* row(int64_t r) const { return x + r * x_row; }
    void put(int64_t n, int64_t r, float sum) const {
        out[r * p.o_1 + n] = add ? sum + add[r * p.a_1 + n] : sum;
    }

    const ops::mul_mat::Params& p;
    int64_t K;
    const uint8_t* w;
    const float* x;
    int64_t x_row;  // floats
    float* out;
    const float* add;
    const TypeInfo& type;
    int64_t w_row;  // bytes
};

/// Floats between the copies of rows of x. Rows that are a power of two apart, as most are, share a few sets of the
/// first-level cache; these lie a quarter of its way apart.
inline int64_t mul_mat_copy_row(int64_t K) { return (K + 1023) / 1024 * 1024 + 256; }

inline size_t mul_mat_scratch(const void* params) {
    const auto& p = *static_cast<const ops::mul_mat::Params*>(params);
    return p.R < kCopyFrom ? 0 : size_t(p.R * mul_mat_copy_row(p.K)) * sizeof(float);
}

inline void copy_rows(const Launch& launch, MulMatRows& call) {
    float* to = reinterpret_cast<float*>(launch.scratch);
    const int64_t row = mul_mat_copy_row(call.p.K), some = std::max<int64_t>(1, (1 << 16) / call.p.K);
    for_units(
        (call.p.R + some - 1) / some,
        [&](int64_t unit) {
            for (int64_t r = unit * some; r < std::min<int64_t>(call.p.R, (unit + 1) * some); ++r)
                std::copy_n(call.row(r), call.p.K, to + r * row);
        },
        int64_t(call.p.R) * call.p.K);
    call.x = to, call.x_row = row;
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/mul_mat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

template <class Format>
void MulMatOf(const MulMatRows& call) {
    const auto& p = call.p;
    const MulMatUnits cut(p.K, p.N, p.R);
    for_units(
        cut.parts * cut.row_blocks,
        [&](int64_t unit) {
            const int64_t n = unit % cut.parts * cut.part, r = unit / cut.parts * cut.rows;
            MulMatUnit<Format, MulMatRows>(call, n, std::min<int64_t>(n + cut.part, p.N), r,
                                           std::min<int64_t>(r + cut.rows, p.R))
                .Run();
        },
        int64_t(p.K) * p.N * p.R);
}

void MulMat(const Launch& launch) {
    static constexpr void (*by_type[])(const MulMatRows&) = {RW_OF_WEIGHTS(MulMatOf)};
    static_assert(std::size(by_type) == std::size(all_types));
    MulMatRows call(launch);
    if (call.p.R >= kCopyFrom) copy_rows(launch, call);
    by_type[call.p.w_type](call);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <vector>

#include "core/blocks.h"
#include "core/convert.h"

namespace rw::cpu {
namespace {

void plain(const Launch& launch) {
    const MulMatRows call(launch);
    const auto& p = call.p;
    for_units(
        p.N,
        [&](int64_t n) {
            const Tensor row{call.type.type, {p.K, 1, 1, 1}, contiguous(call.type.type, {p.K, 1, 1, 1})};
            const std::vector<double> exact = core::gather(row, call.weights(n));
            const std::vector<float> w(exact.begin(), exact.end());
            for (int64_t r = 0; r < p.R; ++r) {
                const float* x = call.row(r);
                float sum[8] = {};
                for (int64_t k = 0; k < p.K; ++k) sum[k % 8] += w[size_t(k)] * x[k];
                call.put(n, r, ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7])));
            }
        },
        int64_t(p.K) * p.N * p.R);
}

}  // namespace

std::vector<Kernel> mul_mat_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(MulMat, mul_mat_scratch);
    list.insert(list.begin(), onednn_mul_mat());
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
