// The definition of GATED_DELTA_NET: token by token, in double. Equation and shapes: rewind/ops/gated_delta_net.h.
#include "rewind/ops/gated_delta_net.h"

#include <cmath>

#include "reference/gdn_inputs.h"
#include "reference/sequences.h"

namespace rw::reference {

void gated_delta_net(Run& run) {
    using namespace ops::gated_delta_net;
    const Params p = params(run.call);
    const GdnInputs in(run, p, {arg::q, arg::k, arg::v, arg::g, arg::beta, arg::dt_bias, arg::a});
    const std::vector<double> state = run.value[arg::state];
    const size_t S_k = size_t(p.S_k), S_v = size_t(p.S_v), D = S_k * S_v * size_t(p.H_v);

    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int slot = run.index(arg::in_slot, b, 0);
        if (s.n == 0) continue;
        if (slot < 0 || slot >= p.K_in) {
            run.fault |= RW_FAULT_SLOT;
            continue;
        }
        for (int h = 0; h < p.H_v; ++h) {
            const size_t head = size_t(h) * S_k * S_v;
            const double* from = &state[(size_t(s.row) * size_t(p.K_in) + size_t(slot)) * D + head];
            std::vector<double> S(from, from + S_k * S_v);  // S[j * S_k + i]
            for (int t = 0; t < s.n; ++t) {
                const GdnToken x = in.token(s, b, h, t);
                for (size_t j = 0; j < S_v; ++j) {
                    double m = 0;
                    for (size_t i = 0; i < S_k; ++i) S[j * S_k + i] *= x.decay[i], m += S[j * S_k + i] * x.k[i];
                    const double d = x.beta * (x.v[j] - m);
                    double o = 0;
                    for (size_t i = 0; i < S_k; ++i) S[j * S_k + i] += x.k[i] * d, o += S[j * S_k + i] * x.q[i];
                    run.write(arg::out, (s.at(t, p.N) * size_t(p.H_v) + size_t(h)) * S_v + j, in.scale * o);
                }
                const int kept = ops::kept_slot(t, s.n, p.K, p.order);
                if (kept < 0) continue;
                const size_t to = (size_t(s.row) * size_t(p.K) + size_t(kept)) * D + head;
                for (size_t e = 0; e < S_k * S_v; ++e) run.write(arg::state_out, to + e, S[e]);
            }
        }
    }
}

}  // namespace rw::reference
