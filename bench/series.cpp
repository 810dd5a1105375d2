#include "bench/series.h"

#include <fmt/format.h>

namespace rw::bench {

Series over_tokens(core::Device& device, const std::string& form, const std::vector<int>& tokens, bool grow_slots, bool cold,
                   double patience) {
    Series series{device.info().id, form, {}};
    const bool ring = form == "ring";
    const ops::Op& op = ops::find(ring ? "GATED_DELTA_NET_RING" : "GATED_DELTA_NET");
    for (const int T : tokens) {
        const int K = grow_slots && !ring ? T : 1;
        // The ring starts in the middle of a block: the mean of what a step costs.
        const std::string words = fmt::format("S=128 H_k=16 H_v=32 gates=weak betas=uniform T={} {}", T,
                                              ring ? std::string("W=16 n_base=2 pos=8") : fmt::format("K={}", K));
        try {
            tools::Bench bench(device, {&op, words}, "", cold);
            const tools::Timing time = bench.measure({cold, 0.2, 3});
            const ops::Cost cost = bench.cost();
            series.points.push_back({T, K, bench.implementation(), time.median, cost.bytes, cost.flops});
            if (time.median > patience) break;
        } catch (const Error& e) {
            if (e.status != Status::unsupported) throw;
        }
    }
    return series;
}

}  // namespace rw::bench
