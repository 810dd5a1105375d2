// GATED_DELTA_NET on the CPU. Equation, shapes and the two paths: rewind/ops/gated_delta_net.h.
//
// One Highway implementation an instruction set (cpu:avx512, cpu:avx2, ...; gdn_exact-inl.h), work split over
// (sequence, value head, part of its columns). cpu:plain is scalar C++ for any CPU: token-sequential, one worker a
// (sequence, head), the head's state in scratch.
#include "rewind/ops/gated_delta_net.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gated_delta_net.cpp"
#include <hwy/foreach_target.h>

#include "cpu/parallel.h"
#include "cpu/targets.h"
#if RW_VECTOR_TARGET
#include "cpu/gdn_exact-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void GatedDeltaNet(const Launch& launch) {
    using namespace ops::gated_delta_net;
    const Params& p = launch.as<Params>();
    const GdnInputs in{launch.arg[arg::q],       launch.arg[arg::k],          launch.arg[arg::v],
                       launch.at<float>(arg::g), launch.at<float>(arg::beta), launch.at<float>(arg::dt_bias),
                       launch.at<float>(arg::a), launch.at<float>(arg::out)};
    const int64_t heads = int64_t(p.B) * p.H_v, parts = column_parts(heads, p.S_v / kBlock);
    for_units(heads * parts, [&](int64_t unit) {
        const int64_t part = unit % parts, h = unit / parts % p.H_v, b = unit / parts / p.H_v;
        const Sequence s = sequence(launch, p, int(b), arg::seq, arg::first, arg::seq_len);
        const int64_t in_slot = s.n ? input_slot(launch, p, int(b), arg::in_slot) : -1;
        if (in_slot < 0) return;
        const int64_t head = h * p.S_k * p.S_v, columns = p.S_v / parts;
        const float* state = launch.at<float>(arg::state) + s.row * p.state_row + in_slot * p.state_slot + head;
        float* out = launch.at<float>(arg::state_out) + s.row * p.out_row + head;
        // A token that is not kept goes to the final slot: the last token overwrites it there.
        const auto slot = [&](int64_t t) {
            const int kept = ops::kept_slot(int(t), int(s.n), p.K, p.order);
            return out + (kept >= 0 ? kept : ops::kept_slot(int(s.n) - 1, int(s.n), p.K, p.order)) * int64_t(p.out_slot);
        };
        const RowSource<Params> source(in, p, s, b, h);
        if (p.gate == 1) ExactTokens<false>(source, state, slot, 0, s.n, part * columns, columns);
        else ExactTokens<true>(source, state, slot, 0, s.n, part * columns, columns);
    });
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <cstring>

#include "cpu/gdn_plain.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_delta_net;

int64_t plain_worker(const Params& p) { return int64_t(p.S_k) * p.S_v + 4 * p.S_k; }  // floats

size_t plain_scratch(const void* params) {
    const auto& p = *static_cast<const Params*>(params);
    return size_t(p.B) * size_t(p.H_v) * size_t(plain_worker(p)) * sizeof(float);
}

void plain_head(const Launch& launch, const Params& p, const Sequence& s, int64_t slot, int b, int h, float* S) {
    const int64_t D1 = int64_t(p.S_k) * p.S_v, head = h * D1;
    const GdnInputs in{launch.arg[arg::q],           launch.arg[arg::k],          launch.arg[arg::v],
                       launch.at<float>(arg::g),     launch.at<float>(arg::beta), launch.at<float>(arg::dt_bias),
                       launch.at<float>(arg::a),     launch.at<float>(arg::out)};
    PlainToken x{S + D1, S + D1 + p.S_k, S + D1 + 2 * p.S_k, 0};
    float* decay = S + D1 + 3 * p.S_k;
    std::memcpy(S, launch.at<float>(arg::state) + s.row * p.state_row + slot * p.state_slot + head,
                size_t(D1) * sizeof(float));
    for (int64_t t = 0; t < s.n; ++t) {
        x.load(in, p, s, b, h, t);
        plain_step(S, x, in, p, s, h, t, decay, nullptr);
        const int kept = ops::kept_slot(int(t), int(s.n), p.K, p.order);
        if (kept >= 0)
            std::memcpy(launch.at<float>(arg::state_out) + s.row * p.out_row + int64_t(kept) * p.out_slot + head, S,
                        size_t(D1) * sizeof(float));
    }
}

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int b = 0; b < p.B; ++b)
        for (int h = 0; h < p.H_v; ++h) {
            const FlushDenormals flush;
            const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
            const int64_t slot = s.n ? input_slot(launch, p, b, arg::in_slot) : -1;
            if (slot >= 0)
                plain_head(launch, p, s, slot, b, h,
                           reinterpret_cast<float*>(launch.scratch) + (int64_t(b) * p.H_v + h) * plain_worker(p));
        }
}

}  // namespace

std::vector<Kernel> gated_delta_net_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(GatedDeltaNet);
    list.push_back({"cpu:plain", nullptr, plain, plain_scratch});
    return list;
}

}  // namespace rw::cpu
#endif
