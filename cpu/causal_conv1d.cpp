// CAUSAL_CONV1D on the CPU. Equation and shapes: rewind/ops/causal_conv1d.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: cpu/conv-inl.h
// cpu:plain                  scalar C++ for any CPU: channel by channel, the window in a small array
//
// A channel's state belongs to one task, which reads the input slot before it writes any.
#include "rewind/ops/causal_conv1d.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/causal_conv1d.cpp"
#include <hwy/foreach_target.h>

#include "cpu/conv.h"
#include "cpu/targets.h"

#if RW_VECTOR_TARGET
#include "cpu/conv-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// The window in slots: a channel's inputs are neighbours.
struct SlotHistory {
    const float* state;
    float* state_out;
    int64_t slot;  // elements between slots of state_out
    int n, K, order;

    template <int taps, class D, class V>
    HWY_INLINE void load(D d, int64_t c, V& v) const {
        hn::Vec<D> columns[taps];
        LoadColumns<taps>(d, state + c * taps, columns);
        for (int j = 0; j < taps; ++j) v[j] = columns[j];
    }
    int64_t place(int64_t t) const {
        const int kept = ops::kept_slot(int(t), n, K, order);
        return kept < 0 ? -1 : kept * slot;
    }
    template <int taps, class D, class V>
    HWY_INLINE void keep(D d, int64_t place, int64_t c, const V& v) const {
        StoreColumns<taps>(d, v, state_out + place + c * taps);
    }
};

void SlotChannels(const Launch& launch, const causal_conv1d_params& p, int b, int64_t begin, int64_t end) {
    using namespace ops::causal_conv1d;
    const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
    const int64_t slot = s.n ? input_slot(launch, p, b, arg::in_slot) : -1;
    if (slot < 0) return;
    const SlotHistory history{launch.at<float>(arg::state) + s.row * p.state_row + slot * p.state_slot,
                              launch.at<float>(arg::state_out) + s.row * p.out_row, p.out_slot, int(s.n), p.K, p.order};
    ConvChannels(p, ConvSequence(launch, p, s, arg::x, arg::weight, arg::bias, arg::out), history, begin, end);
}

void CausalConv1d(const Launch& launch) { conv_tasks<causal_conv1d_params>(launch, SlotChannels); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {

namespace {

using namespace ops::causal_conv1d;

void plain_channels(const Launch& launch, const Params& p, int b, int64_t begin, int64_t end) {
    const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
    const int64_t slot = s.n ? input_slot(launch, p, b, arg::in_slot) : -1;
    if (slot < 0) return;
    const ConvSequence conv(launch, p, s, arg::x, arg::weight, arg::bias, arg::out);
    const int64_t taps = p.d_conv - 1;
    const float* state = launch.at<float>(arg::state) + s.row * p.state_row + slot * p.state_slot;
    float* state_out = launch.at<float>(arg::state_out) + s.row * p.out_row;
    for (int64_t c = begin; c < end; ++c) {
        float window[RW_CONV_MAX_TAPS];
        std::copy_n(state + c * taps, taps, window);
        plain_channel(p, conv, c, window, [&](int64_t t, const float* last) {
            const int kept = ops::kept_slot(int(t), int(s.n), p.K, p.order);
            if (kept >= 0) std::copy_n(last, taps, state_out + int64_t(kept) * p.out_slot + c * taps);
        });
    }
}

void plain(const Launch& launch) { conv_tasks<Params>(launch, plain_channels); }

}  // namespace

std::vector<Kernel> causal_conv1d_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(CausalConv1d, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
