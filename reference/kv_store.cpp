// The definition of KV_STORE. Equation and shapes: rewind/ops/kv_store.h.
#include "rewind/ops/kv_store.h"

#include "reference/round.h"
#include "reference/sequences.h"

namespace rw::reference {

void kv_store(Run& run) {
    using namespace ops::kv_store;
    const Params p = params(run.call);
    const auto store = [&](const Sequence& s, int pos, int from, int to, int D) {
        for (int t = 0; t < s.n; ++t)
            for (int h = 0; h < p.H; ++h)
                for (int i = 0; i < D; ++i) {
                    const size_t source = (s.at(t, p.N) * size_t(p.H) + size_t(h)) * size_t(D) + size_t(i);
                    const size_t row = (size_t(s.row) * size_t(p.R) + size_t(pos + t)) * size_t(p.H) + size_t(h);
                    const double x = run.value[size_t(from)][source];
                    run.write(to, row * size_t(D) + size_t(i), rounded(run.call.arg[size_t(to)].type, x));
                }
    };
    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int pos = run.index(arg::pos, b, 0);
        if (s.n == 0 || pos < 0) continue;
        if (pos > p.R - s.n) {
            run.fault |= RW_FAULT_POS;
            continue;
        }
        store(s, pos, arg::k, arg::cache_k, p.D_k);
        store(s, pos, arg::v, arg::cache_v, p.D_v);
    }
}

}  // namespace rw::reference
