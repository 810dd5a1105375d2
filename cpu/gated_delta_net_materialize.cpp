// GATED_DELTA_NET_MATERIALIZE on the CPU: the base with the block's rows folded in (gdn_ring-inl.h), one Highway
// implementation an instruction set; cpu:plain applies the rows one after the other.
#include "rewind/ops/gated_delta_net_materialize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gated_delta_net_materialize.cpp"
#include <hwy/foreach_target.h>

#include "cpu/parallel.h"
#include "cpu/targets.h"
#if RW_VECTOR_TARGET
#include "cpu/gdn_ring-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void GatedDeltaNetMaterialize(const Launch& launch) {
    using namespace ops::gated_delta_net_materialize;
    const Params& p = launch.as<Params>();
    const bool channel = p.gate != 1;
    const size_t bytes = block_bytes(p.W, p.S_k, channel);
    const Ring<Params> ring{p, launch.at<float>(arg::base), launch.at<float>(arg::ring_k), launch.at<float>(arg::ring_d),
                            launch.at<float>(arg::ring_g)};
    const int32_t* seq = launch.at<int32_t>(arg::seq);
    const int64_t parts = column_parts(int64_t(p.B) * p.H_v, p.S_v / 16);
    for_units(p.B * p.H_v * parts, [&](int64_t unit, int64_t worker) {
        const int64_t part = unit % parts, h = unit / parts % p.H_v, b = unit / parts / p.H_v, columns = p.S_v / parts;
        const int64_t row = seq ? seq[b] : b, pos = launch.at<int32_t>(arg::pos)[b];
        if (row < -1 || row >= p.pool) return launch.raise(RW_FAULT_SEQ);
        if (row < 0 || pos < 0) return;
        GdnBlock block(reinterpret_cast<float*>(launch.scratch + size_t(worker) * bytes), p.W, p.S_k, channel);
        float* state = launch.at<float>(arg::state) + b * p.state_row + h * p.S_k * p.S_v;
        RingState(block, ring, row, pos, h, state, part * columns, columns);
    }, int64_t(p.B) * p.H_v * p.S_k * p.S_v * (p.W / 2));
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "cpu/gdn_block.h"
#include "cpu/ring.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_delta_net_materialize;

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    const Ring<Params> ring{p, launch.at<float>(arg::base), launch.at<float>(arg::ring_k), launch.at<float>(arg::ring_d),
                            launch.at<float>(arg::ring_g)};
    const int32_t* seq = launch.at<int32_t>(arg::seq);
    for_units(int64_t(p.B) * p.H_v, [&](int64_t unit) {
        const int b = int(unit / p.H_v), h = int(unit % p.H_v);
        const int row = seq ? seq[b] : b, pos = launch.at<int32_t>(arg::pos)[b];
        float decay[256];  // S_k is at most 256
        if (row < -1 || row >= p.pool) launch.raise(RW_FAULT_SEQ);
        else if (row >= 0 && pos >= 0)
            plain_ring_state(launch.at<float>(arg::state) + b * int64_t(p.state_row) + h * int64_t(p.S_k) * p.S_v, ring,
                             row, pos, h, decay);
    });
}

}  // namespace

static size_t vector_scratch(const void* params) {
    const auto& p = *static_cast<const ops::gated_delta_net_materialize::Params*>(params);
    return size_t(workers()) * block_bytes(p.W, p.S_k, p.gate != 1);
}

std::vector<Kernel> gated_delta_net_materialize_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(GatedDeltaNetMaterialize, vector_scratch);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
