#include "runtime/spec/threshold.h"

#include <algorithm>
#include <cmath>

namespace rw::spec {

size_t Threshold::bin(float probability) {
    return std::isfinite(probability) ? size_t(std::clamp(int(probability * 10), 0, 9)) : 0;
}

double Threshold::share(float probability) const {
    // Until there are tries the drafter is taken at its word.
    return bins_[bin(probability)].with(std::isfinite(probability) ? std::clamp(double(probability), 0.0, 1.0) : 0);
}

int Threshold::keep(std::span<const float> probabilities, const std::function<double(int)>& seconds, double rate,
                    int sequences, int least) {
    const int all = int(probabilities.size());
    const double none = seconds(0);
    if (rate <= 0 || none <= 0) return all;
    int best = 0;
    double sum = 0, reached = 1, most = 0, more_gain = 0;  // of the one behind the best
    for (int n = 1; n <= all; ++n) {
        sum += reached *= share(probabilities[size_t(n - 1)]);
        const double gain = sum - rate * (seconds(n) - none);
        if (n == std::max(best + 1, least)) more_gain = gain;
        if (gain > most && n >= least) most = gain, best = n;
    }
    savings_.save(sequences);
    const int more = std::max(best + 1, least);
    if (more > all) return best;
    const double lost = (most - more_gain) / (rate * none + most);  // of the tokens that a round yields
    if (!savings_.allow(lost)) return best;
    savings_.settle(lost);
    return more;
}

}  // namespace rw::spec
