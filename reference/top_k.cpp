// The definition of TOP_K, in double. Equation and shapes: rewind/ops/top_k.h.
#include "rewind/ops/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "reference/reference.h"

namespace rw::reference {

void top_k(Run& run) {
    using namespace ops::top_k;
    const Params p = params(run.call);
    for (size_t r = 0; r < size_t(p.R); ++r) {
        const double* x = &run.value[arg::logits][r * size_t(p.V)];
        const auto rank = [&](int i) { return std::isnan(x[i]) ? -std::numeric_limits<double>::infinity() : x[i]; };
        std::vector<int> order(static_cast<size_t>(p.V));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank(a) > rank(b); });
        double sum = 0;
        for (int i = 0; i < p.V; ++i) sum += std::exp(x[i] - rank(order[0]));
        for (size_t i = 0; i < size_t(p.k); ++i) {
            run.write(arg::ids, r * size_t(p.k) + i, order[i]);
            run.write(arg::prob, r * size_t(p.k) + i, std::exp(x[order[i]] - rank(order[0])) / sum);
        }
    }
}

}  // namespace rw::reference
