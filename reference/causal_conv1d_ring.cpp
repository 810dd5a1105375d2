// The definition of CAUSAL_CONV1D_RING, in double. Equation and shapes: rewind/ops/causal_conv1d_ring.h.
#include "rewind/ops/causal_conv1d_ring.h"

#include "reference/conv.h"

namespace rw::reference {

void causal_conv1d_ring(Run& run) {
    using namespace ops::causal_conv1d_ring;
    const Params p = params(run.call);
    const Conv<Params> conv{run, p, arg::x, arg::weight, arg::bias, arg::out};
    const std::vector<double> before = run.value[arg::ring];

    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int64_t pos = run.index(arg::pos, b, 0);
        if (s.n == 0 || pos < 0) continue;
        if (pos + s.n > INT32_MAX) {
            run.fault |= RW_FAULT_POS;
            continue;
        }
        const auto row = [&](int64_t position, int c) {
            return (size_t(s.row) * size_t(p.R) + size_t(position % p.R)) * size_t(p.C) + size_t(c);
        };
        for (int c = 0; c < p.C; ++c) {
            const auto input = [&](int t) {
                if (t >= 0) return conv.x(s, c, t);
                return pos + t < 0 ? 0.0 : before[row(pos + t, c)];
            };
            for (int t = 0; t < s.n; ++t) conv.write(s, c, t, input);
            for (int t = std::max(0, s.n - p.R); t < s.n; ++t) run.write(arg::ring, row(pos + t, c), input(t));
        }
    }
}

}  // namespace rw::reference
