// MUL_MAT_ID on the CPU. Equation and shapes: rewind/ops/mul_mat_id.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: the rows that go to one expert are a MUL_MAT (cpu/mul_mat-inl.h)
// cpu:plain                  scalar C++ for any CPU
//
// A pair is a row of a token and the expert it goes to. Pairs are put in the order of experts, so that weights are read
// once for all that share them. With weights for the sum, what pairs give is kept in scratch and added up in a second
// pass.
#include "rewind/ops/mul_mat_id.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/mul_mat_id.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>

#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_MUL_MAT_ID_SHARED
#define REWIND_CPU_MUL_MAT_ID_SHARED
namespace rw::cpu {

struct MulMatIdCall {
    using Params = ops::mul_mat_id::Params;
    explicit MulMatIdCall(const Launch& launch)
        : launch(launch), p(launch.as<Params>()), type(info(Type(p.w_type))),
          y(reinterpret_cast<float*>(launch.scratch)), pair(reinterpret_cast<int32_t*>(y + y_floats(p))),
          first(pair + int64_t(p.U) * p.R) {}

    static int64_t y_floats(const Params& p) { return p.has_weight ? int64_t(p.U) * p.R * p.N : 0; }
    static size_t scratch(const void* params) {
        const auto& p = *static_cast<const Params*>(params);
        return size_t(y_floats(p) + int64_t(p.U) * p.R + p.E + 1) * 4;
    }

    int32_t id(int64_t i) const {
        return launch.at<const int32_t>(ops::mul_mat_id::arg::ids)[i / p.U * p.id_r + i % p.U];
    }
    /// The expert of pair r * U + u, or -1.
    int32_t expert(int64_t i) const { return id(i) >= 0 && id(i) < p.E ? id(i) : -1; }
    void check() const {
        for (int64_t i = 0; i < int64_t(p.U) * p.R; ++i)
            if (id(i) < -1 || id(i) >= p.E) launch.raise(RW_FAULT_ROW);
    }
    /// pair[first[e] .. first[e + 1] - 1]: those of expert e, in their order.
    void sort() const {
        const int64_t pairs = int64_t(p.U) * p.R;
        std::fill_n(first, p.E + 1, 0);
        for (int64_t i = 0; i < pairs; ++i)
            if (const int32_t e = expert(i); e >= 0) ++first[e + 1];
        for (int64_t e = 0; e < p.E; ++e) first[e + 1] += first[e];
        for (int64_t i = 0; i < pairs; ++i)
            if (const int32_t e = expert(i); e >= 0) pair[first[e]++] = int32_t(i);
        for (int64_t e = p.E; e > 0; --e) first[e] = first[e - 1];
        first[0] = 0;
    }
    const uint8_t* weights(int64_t e, int64_t n) const {
        return launch.at<const uint8_t>(ops::mul_mat_id::arg::w) + (e * p.w_2 + n * p.w_1) * int64_t(type.bytes);
    }
    const float* row(int64_t i) const {
        return launch.at<const float>(ops::mul_mat_id::arg::x) + i / p.U * p.x_2 + i % p.U * p.x_1;
    }
    float* out(int64_t i) const {
        return launch.at<float>(ops::mul_mat_id::arg::out) + i / p.U * p.o_2 + i % p.U * p.o_1;
    }
    /// Where a pair's products go.
    float* result(int64_t i) const { return p.has_weight ? y + i * p.N : out(i); }
    /// Element n of token r, of what its pairs have given.
    void put_sum(int64_t r, int64_t n, float sum) const {
        using namespace ops::mul_mat_id;
        if (p.has_add) sum += launch.at<const float>(arg::add)[r * p.a_2 + n];
        launch.at<float>(arg::out)[r * p.o_2 + n] = sum;
    }
    float weight(int64_t i) const {
        return launch.at<const float>(ops::mul_mat_id::arg::weight)[i / p.U * p.weight_r + i % p.U];
    }
    int64_t work() const { return int64_t(p.K) * p.N * p.U * p.R; }

    const Launch& launch;
    const Params& p;
    const TypeInfo& type;
    float* y;
    int32_t *pair, *first;
};

inline void add_up(const MulMatIdCall& call) {
    const auto& p = call.p;
    constexpr int64_t some = 256;
    const int64_t parts = (p.N + some - 1) / some;
    for_units(p.R * parts, [&](int64_t unit) {
        const int64_t r = unit / parts, n0 = unit % parts * some, n1 = std::min<int64_t>(n0 + some, p.N);
        float sum[some] = {};
        bool any = false;
        for (int64_t i = r * p.U; i < (r + 1) * p.U; ++i) {
            if (call.expert(i) < 0) continue;
            const float *y = call.result(i), weight = call.weight(i);
            for (int64_t n = n0; n < n1; ++n) sum[n - n0] += weight * y[n];
            any = true;
        }
        for (int64_t n = n0; n < n1 && any; ++n) call.put_sum(r, n, sum[n - n0]);
    }, int64_t(p.R) * p.U * p.N);
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/mul_mat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// What goes to one expert.
struct ExpertRows {
    const MulMatIdCall& call;
    int64_t e, K, w_row;
    const int32_t* pair;
    const uint8_t* weights(int64_t n) const { return call.weights(e, n); }
    const float* row(int64_t r) const { return call.row(pair[r]); }
    void put(int64_t n, int64_t r, float sum) const { call.result(pair[r])[n] = sum; }
};

template <class Format>
void MulMatIdOf(const MulMatIdCall& call) {
    const auto& p = call.p;
    // Cut as for all pairs at one expert: an expert has fewer blocks of rows, and the units of others do nothing.
    const MulMatUnits cut(p.K, p.N, int64_t(p.U) * p.R);
    for_units(cut.parts * p.E, [&](int64_t unit) {
        const int64_t e = unit / cut.parts, n = unit % cut.parts * cut.part, all = call.first[e + 1] - call.first[e];
        const ExpertRows rows{call, e, p.K, int64_t(p.w_1) * call.type.bytes, call.pair + call.first[e]};
        for (int64_t r = 0; r < all; r += cut.rows)
            MulMatUnit<Format, ExpertRows>(rows, n, std::min<int64_t>(n + cut.part, p.N), r,
                                           std::min<int64_t>(r + cut.rows, all))
                .Run();
    }, call.work());
}

void MulMatId(const Launch& launch) {
    static constexpr void (*by_type[])(const MulMatIdCall&) = {RW_OF_WEIGHTS(MulMatIdOf)};
    static_assert(std::size(by_type) == std::size(all_types));
    const MulMatIdCall call(launch);
    call.check(), call.sort();
    by_type[call.p.w_type](call);
    if (call.p.has_weight) add_up(call);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <vector>

#include "core/convert.h"

namespace rw::cpu {
namespace {

void plain(const Launch& launch) {
    const MulMatIdCall call(launch);
    const auto& p = call.p;
    call.check();
    for_units(int64_t(p.U) * p.R, [&](int64_t i) {
        const int64_t e = call.expert(i);
        for (int64_t n = 0; n < p.N && e >= 0; ++n) {
            const Tensor row{call.type.type, {p.K, 1, 1, 1}, contiguous(call.type.type, {p.K, 1, 1, 1})};
            const std::vector<double> w = core::gather(row, call.weights(e, n));
            const float* x = call.row(i);
            float sum[8] = {};
            for (int64_t k = 0; k < p.K; ++k) sum[k % 8] += float(w[size_t(k)]) * x[k];
            call.result(i)[n] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
        }
    }, call.work());
    if (p.has_weight) add_up(call);
}

}  // namespace

std::vector<Kernel> mul_mat_id_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(MulMatId, MulMatIdCall::scratch);
    list.push_back({"cpu:plain", nullptr, plain, MulMatIdCall::scratch});
    return list;
}

}  // namespace rw::cpu
#endif
