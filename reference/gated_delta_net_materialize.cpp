// The definition of GATED_DELTA_NET_MATERIALIZE. Equation and shapes: rewind/ops/gated_delta_net_materialize.h.
#include "rewind/ops/gated_delta_net_materialize.h"

#include "reference/ring.h"

namespace rw::reference {

void gated_delta_net_materialize(Run& run) {
    using namespace ops::gated_delta_net_materialize;
    const Params p = params(run.call);
    const Ring<Params> ring{p};
    for (int b = 0; b < p.B; ++b) {
        const int row = run.index(arg::seq, b, b), pos = run.index(arg::pos, b, 0);
        if (row == -1 || pos < 0) continue;
        if (row < -1 || row >= p.pool) {
            run.fault |= RW_FAULT_SEQ;
            continue;
        }
        for (int h = 0; h < p.H_v; ++h) {
            const std::vector<double> S =
                ring_state(run, ring, {arg::base, arg::ring_k, arg::ring_d, arg::ring_g}, row, pos, h);
            const size_t to = (size_t(b) * size_t(p.H_v) + size_t(h)) * S.size();
            for (size_t e = 0; e < S.size(); ++e) run.write(arg::state, to + e, S[e]);
        }
    }
}

}  // namespace rw::reference
