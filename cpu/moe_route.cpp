// MOE_ROUTE on the CPU. Equation and shapes: rewind/ops/moe_route.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: two vectors of partial sums
// cpu:plain                  scalar C++ for any CPU
#include "rewind/ops/moe_route.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/moe_route.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>

#include "cpu/largest.h"
#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_MOE_ROUTE_SHARED
#define REWIND_CPU_MOE_ROUTE_SHARED
namespace rw::cpu {

/// exp_sum(x, n, base): the sum of exp(x - base) over a row.
template <class ExpSum, class ExpOf>
void route_rows(const Launch& launch, const ExpSum& exp_sum, const ExpOf& exp_of) {
    using namespace ops::moe_route;
    const Params& p = launch.as<Params>();
    for_units(p.R, [&](int64_t r) {
        const float* x = launch.at<const float>(arg::logits) + r * p.x_r;
        Largest<RW_MOE_ROUTE_MOST> best(p.U);
        best.search(x, 0, p.E);
        const float all = exp_sum(x, p.E, best.base());
        float weight[RW_MOE_ROUTE_MOST], chosen = 0;
        for (int64_t u = 0; u < p.U; ++u) chosen += weight[u] = exp_of(best.value[u] - best.base()) / all;
        for (int64_t u = 0; u < p.U; ++u) {
            launch.at<int32_t>(arg::ids)[r * p.i_r + u] = best.id[u];
            launch.at<float>(arg::weight)[r * p.w_r + u] = weight[u] / std::max(chosen, RW_MOE_ROUTE_LEAST_SUM);
        }
    }, 16 * int64_t(p.R) * p.E);
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void MoeRoute(const Launch& launch) {
    route_rows(launch, [](const float* x, int64_t n, float base) HWY_ATTR { return ExpSum(x, n, base); },
               [](float x) HWY_ATTR { return hn::GetLane(Exp(hn::Set(f32, x))); });
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {

std::vector<Kernel> moe_route_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(MoeRoute, nullptr);
    list.push_back({"cpu:plain", nullptr, [](const Launch& launch) {
                        route_rows(launch, plain_exp_sum, [](float x) { return std::exp(x); });
                    }});
    return list;
}

}  // namespace rw::cpu
#endif
