// Where a ring keeps things in memory (rewind/ops/gated_delta_net_ring.h), for the CPU kernels of the two ring ops.
#pragma once

#include <algorithm>
#include <cstring>

#include "cpu/gdn_plain.h"

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

/// The state of one head after the positions < pos: base, then the block's rows in order. decay: S_k floats of scratch.
template <class Params>
void plain_ring_state(float* S, const Ring<Params>& ring, int64_t row, int64_t pos, int64_t head, float* decay) {
    const Params& p = ring.p;
    std::memcpy(S, ring.base(row, pos / p.W, head), size_t(p.S_k) * size_t(p.S_v) * sizeof(float));
    for (int64_t s = pos / p.W * p.W; s < pos; ++s)
        plain_replay(S, ring.k(row, s, ring.k_head(head)), ring.d(row, s, head), ring.g(row, s, head), p, decay);
}

}  // namespace rw::cpu
