#include "runtime/spec/threshold.h"

#include <algorithm>
#include <cmath>

namespace rw::spec {

size_t Threshold::bin(float probability) {
    return std::isfinite(probability) ? size_t(std::clamp(int(probability * 10), 0, 9)) : 0;
}

double Threshold::share(float probability) const {
    constexpr double weight = 4;  // tries that the drafter's own word is worth
    const Bin& b = bins_[bin(probability)];
    const double n = std::min(b.tries, 64), said = std::isfinite(probability) ? std::clamp(double(probability), 0.0, 1.0) : 0;
    return (b.share * n + said * weight) / (n + weight);
}

int Threshold::keep(std::span<const float> probabilities, const std::function<double(int)>& seconds, double rate,
                    int sequences) {
    const int all = int(probabilities.size());
    const double none = seconds(0);
    if (rate <= 0 || none <= 0) return all;
    int best = 0;
    double sum = 0, reached = 1, most = 0;
    for (int n = 1; n <= all; ++n) {
        sum += reached *= share(probabilities[size_t(n - 1)]);
        if (const double gain = sum - rate * (seconds(n) - none); gain > most) most = gain, best = n;
    }
    ++since_try_;
    if (best == all) return all;
    const double extra = (seconds(best + 1) - seconds(best)) / none;
    if (since_try_ < std::clamp(100 * sequences * extra, 4.0, 400.0)) return best;
    since_try_ = 0;
    return best + 1;
}

void Threshold::learn(std::span<const float> verified, int accepted) {
    for (int k = 0; k < std::min(accepted + 1, int(verified.size())); ++k) {
        Bin& b = bins_[bin(verified[size_t(k)])];
        ++b.tries;
        b.share += (double(k < accepted) - b.share) * std::max(1.0 / b.tries, 1.0 / 64);
    }
}

}  // namespace rw::spec
