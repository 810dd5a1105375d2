// The definition of GATED_DELTA_NET_RING: the recurrence, token by token, in double, with base and rows kept by
// position. Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
#include "rewind/ops/gated_delta_net_ring.h"

#include "reference/gdn_inputs.h"
#include "reference/ring.h"

namespace rw::reference {

void gated_delta_net_ring(Run& run) {
    using namespace ops::gated_delta_net_ring;
    const Params p = params(run.call);
    const GdnInputs in(run, p, {arg::q, arg::k, arg::v, arg::g, arg::beta, arg::dt_bias, arg::a});
    const Ring<Params> ring{p};
    const Run before = run;  // every head reads what was there before the call
    const size_t S_k = ring.S_k, S_v = ring.S_v;

    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int64_t pos = run.index(arg::pos, b, 0), end = pos + s.n;
        if (s.n == 0 || pos < 0) continue;
        if (end > INT32_MAX) {
            run.fault |= RW_FAULT_POS;
            continue;
        }
        const int64_t oldest = (end / p.W - p.n_base + 1) * p.W;  // first position still kept at the end
        for (int h = 0; h < p.H_v; ++h) {
            std::vector<double> S =
                ring_state(before, ring, {arg::base, arg::ring_k, arg::ring_d, arg::ring_g}, s.row, pos, h);
            for (int t = 0; t < s.n; ++t) {
                const int64_t position = pos + t;
                const GdnToken x = in.token(s, b, h, t);
                const bool kept = position >= oldest;
                for (size_t j = 0; j < S_v; ++j) {
                    double m = 0, o = 0;
                    for (size_t i = 0; i < S_k; ++i) S[j * S_k + i] *= x.decay[i], m += S[j * S_k + i] * x.k[i];
                    const double d = x.beta * (x.v[j] - m);
                    for (size_t i = 0; i < S_k; ++i) S[j * S_k + i] += x.k[i] * d, o += S[j * S_k + i] * x.q[i];
                    run.write(arg::out, (s.at(t, p.N) * size_t(p.H_v) + size_t(h)) * S_v + j, in.scale * o);
                    if (kept) run.write(arg::ring_d, ring.d(s.row, position, h) + j, d);
                }
                for (size_t i = 0; kept && i < S_k; ++i)
                    run.write(arg::ring_k, ring.k(s.row, position, x.k_head) + i, x.k[i]);
                for (size_t i = 0; kept && i < size_t(p.gate); ++i)
                    run.write(arg::ring_g, ring.g(s.row, position, h) + i, x.log_decay[i]);
                const int64_t block = (position + 1) / p.W;
                if ((position + 1) % p.W || block <= end / p.W - p.n_base) continue;
                for (size_t e = 0; e < S.size(); ++e) run.write(arg::base, ring.base(s.row, block, h) + e, S[e]);
            }
        }
    }
}

}  // namespace rw::reference
