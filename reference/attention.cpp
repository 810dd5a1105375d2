// The definition of ATTENTION, in double. Equation and shapes: rewind/ops/attention.h.
#include "rewind/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "reference/sequences.h"

namespace rw::reference {

void attention(Run& run) {
    using namespace ops::attention;
    const Params p = params(run.call);
    const double scale = run.call.attr[attr::scale] == 0 ? 1 / std::sqrt(double(p.D)) : run.call.attr[attr::scale];
    const size_t D = size_t(p.D), D_v = size_t(p.D_v);
    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int pos = run.index(arg::pos, b, 0);
        if (s.n == 0 || pos < 0) continue;
        if (pos > p.R - s.n) {
            run.fault |= RW_FAULT_POS;
            continue;
        }
        for (int t = 0; t < s.n; ++t)
            for (int h = 0; h < p.H; ++h) {
                const size_t row = s.at(t, p.N) * size_t(p.H) + size_t(h);
                const auto cached = [&](int i) {  // row of position i
                    return (size_t(s.row) * size_t(p.R) + size_t(i)) * size_t(p.H_kv) + size_t(h / (p.H / p.H_kv));
                };
                const double* q = &run.value[arg::q][row * D];
                std::vector<double> weight, sum(D_v);
                for (int i = 0; i <= pos + t; ++i) {
                    const double* k = &run.value[arg::cache_k][cached(i) * D];
                    double score = 0;
                    for (size_t j = 0; j < D; ++j) score += q[j] * k[j];
                    weight.push_back(scale * score);
                }
                const double most = *std::max_element(weight.begin(), weight.end());
                double total = 0;
                for (int i = 0; i <= pos + t; ++i) {
                    const double w = std::exp(weight[size_t(i)] - most);
                    const double* v = &run.value[arg::cache_v][cached(i) * D_v];
                    total += w;
                    for (size_t j = 0; j < D_v; ++j) sum[j] += w * v[j];
                }
                for (size_t j = 0; j < D_v; ++j) {
                    const double gate = run.has(arg::gate) ? 1 + std::exp(-run.value[arg::gate][row * D_v + j]) : 1;
                    run.write(arg::out, row * D_v + j, sum[j] / total / gate);
                }
            }
    }
}

}  // namespace rw::reference
