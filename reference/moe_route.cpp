// The definition of MOE_ROUTE, in double. Equation and shapes: rewind/ops/moe_route.h.
#include "rewind/ops/moe_route.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "reference/reference.h"

namespace rw::reference {

void moe_route(Run& run) {
    using namespace ops::moe_route;
    const Params p = params(run.call);
    const size_t U = size_t(p.U);
    for (size_t r = 0; r < size_t(p.R); ++r) {
        const double* x = &run.value[arg::logits][r * size_t(p.E)];
        const auto rank = [&](int e) { return std::isnan(x[e]) ? -std::numeric_limits<double>::infinity() : x[e]; };
        std::vector<int> order(static_cast<size_t>(p.E));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank(a) > rank(b); });
        double all = 0, chosen = 0;
        for (int e = 0; e < p.E; ++e) all += std::exp(x[e] - rank(order[0]));
        const auto probability = [&](size_t u) { return std::exp(x[order[u]] - rank(order[0])) / all; };
        for (size_t u = 0; u < U; ++u) chosen += probability(u);
        for (size_t u = 0; u < U; ++u) {
            run.write(arg::ids, r * U + u, order[u]);
            run.write(arg::weight, r * U + u, probability(u) / std::max(chosen, 0x1p-14));
        }
    }
}

}  // namespace rw::reference
