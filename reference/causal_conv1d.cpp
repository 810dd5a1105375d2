// The definition of CAUSAL_CONV1D, in double. Equation and shapes: rewind/ops/causal_conv1d.h.
#include "rewind/ops/causal_conv1d.h"

#include "reference/conv.h"

namespace rw::reference {

void causal_conv1d(Run& run) {
    using namespace ops::causal_conv1d;
    const Params p = params(run.call);
    const Conv<Params> conv{run, p, arg::x, arg::weight, arg::bias, arg::out};
    const std::vector<double> state = run.value[arg::state];
    const size_t taps = size_t(p.d_conv - 1), D = taps * size_t(p.C);

    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int slot = run.index(arg::in_slot, b, 0);
        if (s.n == 0) continue;
        if (slot < 0 || slot >= p.K_in) {
            run.fault |= RW_FAULT_SLOT;
            continue;
        }
        for (int c = 0; c < p.C; ++c) {
            const double* history = &state[(size_t(s.row) * size_t(p.K_in) + size_t(slot)) * D + taps * size_t(c)];
            const auto input = [&](int t) { return t < 0 ? history[int(taps) + t] : conv.x(s, c, t); };
            for (int t = 0; t < s.n; ++t) {
                conv.write(s, c, t, input);
                const int kept = ops::kept_slot(t, s.n, p.K, p.order);
                if (kept < 0) continue;
                const size_t to = (size_t(s.row) * size_t(p.K) + size_t(kept)) * D + taps * size_t(c);
                for (int j = 0; j < int(taps); ++j) run.write(arg::state_out, to + size_t(j), input(t + 1 - int(taps) + j));
            }
        }
    }
}

}  // namespace rw::reference
