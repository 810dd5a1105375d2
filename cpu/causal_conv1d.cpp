// CAUSAL_CONV1D on the CPU. Equation and shapes: rewind/ops/causal_conv1d.h.
//
// cpu:plain is scalar C++ for any CPU: channel by channel, the window in a small array.
#include "rewind/ops/causal_conv1d.h"

#include "cpu/conv.h"

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

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    const int64_t blocks = (p.C + conv_block - 1) / conv_block;
#pragma omp parallel for collapse(2) schedule(static)
    for (int b = 0; b < p.B; ++b)
        for (int64_t block = 0; block < blocks; ++block) {
            const FlushDenormals flush;
            plain_channels(launch, p, b, block * conv_block, std::min<int64_t>(p.C, (block + 1) * conv_block));
        }
}

}  // namespace

std::vector<Kernel> causal_conv1d_kernels() { return {{"cpu:plain", nullptr, plain}}; }

}  // namespace rw::cpu
