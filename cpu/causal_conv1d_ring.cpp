// CAUSAL_CONV1D_RING on the CPU. Equation, shapes and what is stored: rewind/ops/causal_conv1d_ring.h.
//
// cpu:plain is scalar C++ for any CPU: channel by channel, the window in a small array. A channel's rows of the ring
// belong to one task, which reads the window before it stores anything.
#include "rewind/ops/causal_conv1d_ring.h"

#include "cpu/conv.h"

namespace rw::cpu {
namespace {

using namespace ops::causal_conv1d_ring;

/// The first position of the call, or -1 when the sequence is skipped.
int64_t position(const Launch& launch, const Sequence& s, int b) {
    const int64_t pos = s.n ? launch.at<int32_t>(arg::pos)[b] : -1;
    if (pos < 0 || pos + s.n <= INT32_MAX) return std::max<int64_t>(pos, -1);
    launch.raise(RW_FAULT_POS);
    return -1;
}

void plain_channels(const Launch& launch, const Params& p, int b, int64_t begin, int64_t end) {
    const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
    const int64_t pos = position(launch, s, b);
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

std::vector<Kernel> causal_conv1d_ring_kernels() { return {{"cpu:plain", nullptr, plain}}; }

}  // namespace rw::cpu
