// CAUSAL_CONV1D_RING on the CPU. Equation, shapes and what is stored: rewind/ops/causal_conv1d_ring.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: cpu/conv-inl.h
// cpu:plain                  scalar C++ for any CPU: channel by channel, the window in a small array
//
// A channel's rows of the ring belong to one task, which reads the window before it stores anything.
#include "rewind/ops/causal_conv1d_ring.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/causal_conv1d_ring.cpp"
#include <hwy/foreach_target.h>

#include "cpu/conv.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_CONV_RING_ONCE
#define REWIND_CPU_CONV_RING_ONCE
namespace rw::cpu {

/// The first position of the call, or -1 when the sequence is skipped.
inline int64_t first_position(const Launch& launch, const Sequence& s, int b) {
    const int64_t pos = s.n ? launch.at<int32_t>(ops::causal_conv1d_ring::arg::pos)[b] : -1;
    if (pos < 0 || pos + s.n <= INT32_MAX) return std::max<int64_t>(pos, -1);
    launch.raise(RW_FAULT_POS);
    return -1;
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/conv-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Inputs by position: a row holds one input of every channel.
struct RingHistory {
    float* ring;
    int64_t row;  // elements between rows
    int64_t R, pos, n;

    template <int taps, class D, class V>
    HWY_INLINE void load(D d, int64_t c, V& v) const {
        int64_t at = (pos + R - taps % R) % R;  // row of position pos - taps; R >= taps
        for (int j = 0; j < taps; ++j, at = at + 1 == R ? 0 : at + 1)
            v[j] = pos - taps + j < 0 ? hn::Zero(d) : hn::LoadU(d, ring + at * row + c);
    }
    int64_t place(int64_t t) const { return t < n - R ? -1 : (pos + t) % R * row; }
    template <int taps, class D, class V>
    HWY_INLINE void keep(D d, int64_t place, int64_t c, const V& v) const {
        hn::StoreU(v[taps - 1], d, ring + place + c);
    }
};

void RingChannels(const Launch& launch, const causal_conv1d_ring_params& p, int b, int64_t begin, int64_t end) {
    using namespace ops::causal_conv1d_ring;
    const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
    const int64_t pos = first_position(launch, s, b);
    if (pos < 0) return;
    const RingHistory history{launch.at<float>(arg::ring) + s.row * p.ring_b, p.ring_r, p.R, pos, s.n};
    ConvChannels(p, ConvSequence(launch, p, s, arg::x, arg::weight, arg::bias, arg::out), history, begin, end);
}

void CausalConv1dRing(const Launch& launch) { conv_tasks<causal_conv1d_ring_params>(launch, RingChannels); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {

namespace {

using namespace ops::causal_conv1d_ring;

void plain_channels(const Launch& launch, const Params& p, int b, int64_t begin, int64_t end) {
    const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
    const int64_t pos = first_position(launch, s, b);
    if (pos < 0) return;
    const ConvSequence conv(launch, p, s, arg::x, arg::weight, arg::bias, arg::out);
    const int taps = p.d_conv - 1;
    float* ring = launch.at<float>(arg::ring) + s.row * p.ring_b;
    for (int64_t c = begin; c < end; ++c) {
        float window[RW_CONV_MAX_TAPS];
        for (int j = 0; j < taps; ++j) {
            const int64_t q = pos - taps + j;
            window[j] = q < 0 ? 0 : ring[q % p.R * p.ring_r + c];
        }
        plain_channel(p, conv, c, window, [&](int64_t t, const float* last) {
            if (t >= s.n - p.R) ring[(pos + t) % p.R * p.ring_r + c] = last[taps - 1];
        });
    }
}

void plain(const Launch& launch) { conv_tasks<Params>(launch, plain_channels); }

}  // namespace

std::vector<Kernel> causal_conv1d_ring_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(CausalConv1dRing, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
