// Where a ring keeps things (gated_delta_net_ring.h), for the definitions of the two ring ops.
#pragma once

#include <cmath>

#include "reference/reference.h"
#include "rewind/ops/gated_delta_net_ring.h"

namespace rw::reference {

template <class Params>
struct Ring {
    const Params& p;
    size_t S_k = size_t(p.S_k), S_v = size_t(p.S_v);

    size_t slot(int row, int64_t position) const {
        return size_t(row) * size_t(p.W * p.n_base) + size_t(position % (p.W * p.n_base));
    }
    /// First element of a row in ring_k, ring_d, ring_g.
    size_t k(int row, int64_t position, int k_head) const {
        return (slot(row, position) * size_t(p.H_k) + size_t(k_head)) * S_k;
    }
    size_t d(int row, int64_t position, int head) const {
        return (slot(row, position) * size_t(p.H_v) + size_t(head)) * S_v;
    }
    size_t g(int row, int64_t position, int head) const {
        return (slot(row, position) * size_t(p.H_v) + size_t(head)) * size_t(p.gate);
    }
    /// First element of one head in the base of a block.
    size_t base(int row, int64_t block, int head) const {
        return ((size_t(row) * size_t(p.n_base) + size_t(block % p.n_base)) * size_t(p.H_v) + size_t(head)) * S_k * S_v;
    }
    int k_head(int head) const { return p.heads == RW_HEADS_TILED ? head % p.H_k : head / (p.H_v / p.H_k); }
};

struct RingArgs {
    int base, ring_k, ring_d, ring_g;
};

/// The state of one head after the positions < pos: base of the block, then its rows one after the other.
template <class Params>
std::vector<double> ring_state(const Run& run, const Ring<Params>& ring, RingArgs at, int row, int64_t pos, int head) {
    const auto value = [&](int arg) { return run.value[size_t(arg)].data(); };
    const int64_t start = pos / ring.p.W * ring.p.W;
    const double* base = value(at.base) + ring.base(row, pos / ring.p.W, head);
    std::vector<double> S(base, base + ring.S_k * ring.S_v);
    for (int64_t s = start; s < pos; ++s) {
        const double* k = value(at.ring_k) + ring.k(row, s, ring.k_head(head));
        const double* d = value(at.ring_d) + ring.d(row, s, head);
        const double* g = value(at.ring_g) + ring.g(row, s, head);
        for (size_t j = 0; j < ring.S_v; ++j)
            for (size_t i = 0; i < ring.S_k; ++i) {
                double& e = S[j * ring.S_k + i];
                e = std::exp(g[ring.p.gate == 1 ? 0 : i]) * e + k[i] * d[j];
            }
    }
    return S;
}

}  // namespace rw::reference
