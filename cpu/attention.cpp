// ATTENTION on the CPU. Equation and shapes: rewind/ops/attention.h; schedule: cpu/attention.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target (attention-inl.h)
// cpu:plain                  scalar C++ for any CPU: row by row, scores first
#include "rewind/ops/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/cache_control.h>

#include "cpu/attention.h"
#include "cpu/targets.h"

#if RW_VECTOR_TARGET
#include "cpu/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void Attention(const Launch& launch) {
    const AttentionCall call(launch);
    if (call.p.type == RW_F32) return AttentionOf<PlainFormat<float>>(call);
    call.p.type == RW_F16 ? AttentionOf<PlainFormat<hwy::float16_t>>(call) : AttentionOf<Q8_0>(call);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <cmath>
#include <vector>

#include "core/convert.h"

namespace rw::cpu {
namespace {

/// Parts, then room for every worker.
size_t attention_scratch(const void* params) {
    const Launch launch{params, nullptr, nullptr, nullptr};
    const AttentionCall call(launch);
    return size_t(call.parts() + workers() * call.room()) * sizeof(float);
}

void plain(const Launch& launch) {
    const AttentionCall call(launch);
    const auto& p = call.p;
    for_units(p.B * p.H_kv * call.rows(), [&](int64_t unit) {
        const int64_t row = unit % call.rows(), kv = unit / call.rows() % p.H_kv, b = unit / call.rows() / p.H_kv;
        const auto s = call.placed(b);
        if (row >= s.n * call.group()) return;
        const int64_t end = s.pos + row / call.group() + 1;
        const float *q = call.q(s, kv, row), *gate = call.gate(s, kv, row);
        const auto cached = [&](const uint8_t* x, int64_t D) {
            const Tensor one{Type(p.type), {D, 1, 1, 1}, contiguous(Type(p.type), {D, 1, 1, 1})};
            return core::gather(one, x);
        };
        std::vector<float> weight, sum(size_t(p.D_v), 0.0f);
        float most = -HUGE_VALF, total = 0;
        for (int64_t i = 0; i < end; ++i) {
            const std::vector<double> k = cached(call.k(s, kv) + i * call.k_step(), p.D);
            float part[8] = {};
            for (int64_t j = 0; j < p.D; ++j) part[j % 8] += q[j] * float(k[size_t(j)]);
            const float score = ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
            weight.push_back(p.scale * score), most = std::max(most, weight.back());
        }
        if (most == -HUGE_VALF) most = 0;
        for (int64_t i = 0; i < end; ++i) {
            const std::vector<double> v = cached(call.v(s, kv) + i * call.v_step(), p.D_v);
            const float w = std::exp(weight[size_t(i)] - most);
            total += w;
            for (size_t j = 0; j < v.size(); ++j) sum[j] += w * float(v[j]);
        }
        for (size_t j = 0; j < sum.size(); ++j)
            call.out(s, kv, row)[j] = sum[j] / total / (gate ? 1 + std::exp(-gate[j]) : 1);
    }, int64_t(call.work()));
}

}  // namespace

std::vector<Kernel> attention_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(Attention, attention_scratch);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
