// One token's q, k, v, decay and beta of the gated delta ops, as the definition uses them.
#pragma once

#include <algorithm>
#include <cmath>

#include "reference/sequences.h"
#include "rewind/ops/gated_delta_net.h"

namespace rw::reference {

struct GdnInputArgs {
    int q, k, v, g, beta, dt_bias, a;
};

struct GdnToken {
    std::vector<double> q, k, v;
    std::vector<double> log_decay, decay;  // one a key channel, also for a scalar gate
    double beta;
    int k_head;
};

class GdnInputs {
public:
    template <class Params>
    GdnInputs(const Run& run, const Params& p, GdnInputArgs at)
        : scale(p.scale), run_(run), at_(at), S_k_(size_t(p.S_k)), S_v_(size_t(p.S_v)), H_k_(p.H_k), H_v_(p.H_v),
          N_(p.N), B_q_(p.B_q), B_k_(p.B_k), gate_(size_t(p.gate)), heads_(p.heads), raw_(p.raw_gates != 0),
          eps_(p.l2norm_eps) {}

    /// Token t of sequence s, which is number b of the call, for value head h.
    GdnToken token(const Sequence& s, int b, int h, int t) const {
        GdnToken x;
        x.k_head = heads_ == RW_HEADS_TILED ? h % H_k_ : h / (H_v_ / H_k_);
        const size_t row = s.at(t, N_) * size_t(H_v_) + size_t(h);
        x.q = shared_row(at_.q, B_q_, s, b, t, x.k_head), x.k = shared_row(at_.k, B_k_, s, b, t, x.k_head);
        const double* v = &run_.value[size_t(at_.v)][row * S_v_];
        x.v.assign(v, v + S_v_);
        x.beta = run_.value[size_t(at_.beta)][row];
        if (raw_) x.beta = 1 / (1 + std::exp(-x.beta));
        for (size_t i = 0; i < S_k_; ++i) {
            const size_t channel = gate_ == 1 ? 0 : i;
            double g = run_.value[size_t(at_.g)][row * gate_ + channel];
            if (raw_) {
                const double biased = g + run_.value[size_t(at_.dt_bias)][size_t(h) * gate_ + channel];
                const double softplus = biased > 30 ? biased : std::log1p(std::exp(biased));
                g = softplus * run_.value[size_t(at_.a)][size_t(h)];
            }
            x.log_decay.push_back(g), x.decay.push_back(std::exp(g));
        }
        return x;
    }

    const double scale;

private:
    std::vector<double> shared_row(int arg, int B, const Sequence& s, int b, int t, int head) const {
        const int at_b = b % B;  // packed tokens have B = 1
        const size_t row = (size_t(at_b) * size_t(N_) + size_t(s.token + t)) * size_t(H_k_) + size_t(head);
        const double* x = &run_.value[size_t(arg)][row * S_k_];
        std::vector<double> out(x, x + S_k_);
        if (eps_ > 0) {
            double norm = 0;
            for (const double e : out) norm += e * e;
            norm = std::max(std::sqrt(norm), eps_);
            for (double& e : out) e /= norm;
        }
        return out;
    }

    const Run& run_;
    GdnInputArgs at_;
    size_t S_k_, S_v_;
    int H_k_, H_v_, N_, B_q_, B_k_;
    size_t gate_;
    int heads_;
    bool raw_;
    double eps_;
};

}  // namespace rw::reference
