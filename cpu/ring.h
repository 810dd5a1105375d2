// Where a ring keeps things in memory (rewind/ops/gated_delta_net_ring.h), for the CPU kernels of the two ring ops.
#pragma once

#include <algorithm>
#include <cstring>

#include "cpu/gdn_plain.h"
#include "rewind/ops/gated_delta_net_ring.h"

namespace rw::cpu {

template <class Params>
struct Ring {
    const Params& p;
    float *bases, *rows_k, *rows_d, *rows_g;

    int64_t at(int64_t position) const { return position % (int64_t(p.W) * p.n_base); }
    float* base(int64_t row, int64_t block, int64_t head) const {
        return bases + row * p.base_row + block % p.n_base * p.base_slot + head * p.S_k * p.S_v;
    }
    float* k(int64_t row, int64_t position, int64_t k_head) const {
        return rows_k + row * p.rk_b + at(position) * p.rk_t + k_head * p.rk_h;
    }
    float* d(int64_t row, int64_t position, int64_t head) const {
        return rows_d + row * p.rd_b + at(position) * p.rd_t + head * p.rd_h;
    }
    float* g(int64_t row, int64_t position, int64_t head) const {
        return rows_g + row * p.rg_b + at(position) * p.rg_t + head * p.rg_h;
    }
    int64_t k_head(int64_t head) const { return p.heads == RW_HEADS_TILED ? head % p.H_k : head / (p.H_v / p.H_k); }
    /// The first position whose row and block's base are still kept after a call that ends at `end`.
    int64_t oldest(int64_t end) const { return (end / p.W - p.n_base + 1) * p.W; }
};

/// A sequence of a GATED_DELTA_NET_RING call with the position of its first token; n = 0 when it is skipped.
inline Sequence ring_sequence(const Launch& launch, const ops::gated_delta_net_ring::Params& p, int64_t b, int64_t& pos) {
    using namespace ops::gated_delta_net_ring;
    pos = launch.at<int32_t>(arg::pos)[b];
    const Sequence s = sequence(launch, p, int(b), arg::seq, arg::first, arg::seq_len);
    if (s.n == 0 || pos < 0) return {};
    if (pos + s.n > INT32_MAX) return launch.raise(RW_FAULT_POS), Sequence{};
    return s;
}

inline GdnInputs ring_inputs(const Launch& launch) {
    using namespace ops::gated_delta_net_ring;
    return {launch.arg[arg::q],       launch.arg[arg::k],          launch.arg[arg::v],
            launch.at<float>(arg::g), launch.at<float>(arg::beta), launch.at<float>(arg::dt_bias),
            launch.at<float>(arg::a), launch.at<float>(arg::out)};
}

inline Ring<ops::gated_delta_net_ring::Params> ring_memory(const Launch& launch) {
    using namespace ops::gated_delta_net_ring;
    return {launch.as<Params>(), launch.at<float>(arg::base), launch.at<float>(arg::ring_k),
            launch.at<float>(arg::ring_d), launch.at<float>(arg::ring_g)};
}

/// The state of one head after the positions < pos: base, then the block's rows in order. decay: S_k floats of scratch.
template <class Params>
void plain_ring_state(float* S, const Ring<Params>& ring, int64_t row, int64_t pos, int64_t head, float* decay) {
    const Params& p = ring.p;
    std::memcpy(S, ring.base(row, pos / p.W, head), size_t(p.S_k) * size_t(p.S_v) * sizeof(float));
    for (int64_t s = pos / p.W * p.W; s < pos; ++s)
        plain_replay(S, ring.k(row, s, ring.k_head(head)), ring.d(row, s, head), ring.g(row, s, head), p, decay);
}

}  // namespace rw::cpu
