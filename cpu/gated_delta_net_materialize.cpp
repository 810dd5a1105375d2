// GATED_DELTA_NET_MATERIALIZE on the CPU: cpu:plain, base and then the block's rows one after the other.
#include "rewind/ops/gated_delta_net_materialize.h"

#include "cpu/ring.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_delta_net_materialize;

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    const Ring<Params> ring{p, launch.at<float>(arg::base), launch.at<float>(arg::ring_k), launch.at<float>(arg::ring_d),
                            launch.at<float>(arg::ring_g)};
    const int32_t* seq = launch.at<int32_t>(arg::seq);
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int b = 0; b < p.B; ++b)
        for (int h = 0; h < p.H_v; ++h) {
            const FlushDenormals flush;
            const int row = seq ? seq[b] : b, pos = launch.at<int32_t>(arg::pos)[b];
            float decay[256];  // S_k is at most 256
            if (row < -1 || row >= p.pool) launch.raise(RW_FAULT_SEQ);
            else if (row >= 0 && pos >= 0)
                plain_ring_state(launch.at<float>(arg::state) + b * int64_t(p.state_row) + h * int64_t(p.S_k) * p.S_v,
                                 ring, row, pos, h, decay);
        }
}

}  // namespace

std::vector<Kernel> gated_delta_net_materialize_kernels() { return {{"cpu:plain", nullptr, plain}}; }

}  // namespace rw::cpu
