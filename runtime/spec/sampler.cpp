#include "runtime/spec/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::spec {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
uint64_t mixed(uint64_t z) {
    z += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

}  // namespace

double uniform(uint64_t seed, uint32_t choice, int64_t position) {
    return double(mixed(mixed(mixed(seed) ^ choice) ^ uint64_t(position)) >> 11) * 0x1p-53;
}

void Sampler::check() const {
    const auto that = [](bool ok, const char* text) {
        if (!ok) throw Error(Status::invalid_argument, text);
    };
    that(std::isfinite(temperature) && temperature >= 0, "temperature: 0 or a positive number is expected");
    that(top_k >= 0, "top_k: 0 (all) or a positive number is expected");
    that(top_p > 0 && top_p <= 1, "top_p: a number above 0, at most 1, is expected");
    that(min_p >= 0 && min_p <= 1, "min_p: a number from 0 to 1 is expected");
}

int32_t Sampler::choose(std::span<const float> logits, int64_t position) const {
    const auto value = [&](int32_t i) {  // NaN is never chosen while there is another, as in TOP_K
        const float x = logits[size_t(i)];
        return std::isnan(x) ? -std::numeric_limits<float>::infinity() : x;
    };
    if (greedy()) {
        int32_t best = 0;
        for (int32_t i = 1; i < int32_t(logits.size()); ++i)
            if (value(i) > value(best)) best = i;
        return best;
    }
    std::vector<int32_t> order(logits.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = int32_t(i);
    const auto before = [&](int32_t a, int32_t b) {
        const float x = value(a), y = value(b);
        return x != y ? x > y : a < b;
    };
    const size_t keep = top_k > 0 ? std::min(size_t(top_k), order.size()) : order.size();
    if (keep < order.size()) std::nth_element(order.begin(), order.begin() + std::ptrdiff_t(keep), order.end(), before);
    order.resize(keep);
    std::sort(order.begin(), order.end(), before);

    std::vector<double> weight(keep);
    double sum = 0;
    for (size_t i = 0; i < keep; ++i) {
        weight[i] = std::exp((double(value(order[i])) - value(order[0])) / temperature);
        if (!(weight[i] >= min_p)) {  // the greatest is 1
            weight.resize(i);
            break;
        }
        sum += weight[i];
    }
    double kept = 0;
    size_t n = 0;
    while (n < weight.size() && (n == 0 || kept < top_p * sum)) kept += weight[n++];
    double draw = uniform(seed, choice, position) * kept;
    for (size_t i = 0; i + 1 < n; ++i) {
        draw -= weight[i];
        if (draw < 0) return order[i];
    }
    return order[n - 1];
}

}  // namespace rw::spec
