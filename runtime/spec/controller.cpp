#include "runtime/spec/controller.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace rw::spec {

size_t RoundCosts::bucket(int sequences) {
    return std::min<size_t>(std::bit_width(unsigned(std::max(sequences, 1) - 1)), 9);
}

void RoundCosts::add(int sequences, int n, double seconds) {
    Cost& c = of(sequences)[size_t(n)];
    if (!(seconds > 0) || !std::isfinite(seconds)) return;
    // The first round of a shape records its plan: its time stands only until there is another.
    if (c.times <= 1) c.seconds = seconds;
    else c.seconds += (std::min(seconds, 2 * c.seconds) - c.seconds) * std::max(1.0 / c.times, 1.0 / 32);
    ++c.times;
}

double RoundCosts::operator()(int sequences, int n) const {
    const Row& row = of(sequences);
    int below = n, above = n;
    while (below >= 0 && row[size_t(below)].times == 0) --below;
    while (above <= kMost && row[size_t(above)].times == 0) ++above;
    if (below == n) return row[size_t(n)].seconds;
    const auto line = [&](int a, int b) {
        const double slope = (row[size_t(b)].seconds - row[size_t(a)].seconds) / (b - a);
        return row[size_t(a)].seconds + slope * (n - a);
    };
    if (below >= 0 && above <= kMost) return line(below, above);
    if (below < 0 && above > kMost) return 0;
    if (below < 0) return row[size_t(above)].seconds / (1 + 0.1 * (above - n));
    for (int a = below - 1; a >= 0; --a)  // on through the last two, but not downwards
        if (row[size_t(a)].times > 0) return std::max(line(a, below), row[size_t(below)].seconds);
    return row[size_t(below)].seconds * (1 + 0.1 * (n - below));
}

void Controller::Place::add(bool stood) {
    ++tries;
    share += (double(stood) - share) * std::max(1.0 / tries, 1.0 / 64);
}

Controller::Controller(int most) : most_(most) {
    if (most < 0 || most > RoundCosts::kMost)
        throw Error(Status::invalid_argument, "n_max auto: at most " + std::to_string(RoundCosts::kMost) +
                                                  " drafts, not " + std::to_string(most));
    best_ = std::min(1, most);
}

double Controller::tokens(int n) const {
    constexpr double weight = 4;  // tries that the place before is worth
    double sum = 1, all = 1, share = 0.7;
    for (int k = 1; k <= n; ++k) {
        const Place& place = places_[size_t(k)];
        const double tries = std::min(place.tries, 64);
        share = (place.share * tries + share * weight) / (tries + weight);
        sum += all *= share;
    }
    return sum;
}

/// The next length that is considered.
int Controller::above(int n) const {
    for (const int step : kSteps)
        if (step > n) return std::min(step, most_);
    return most_;
}

int Controller::choose(const RoundCosts& costs, int sequences) {
    if (costs(sequences, 0) <= 0) return best_;  // nothing is known yet
    const auto worth = [&](int n) { return tokens(n) / costs(sequences, n); };
    int best = best_;
    for (int n = 0;; n = above(n)) {
        // A little better is not enough, so that the choice does not run to and fro.
        if (worth(n) > worth(best) * (best == best_ ? 1.01 : 1)) best = n;
        if (n == most_) break;
    }
    best_ = best;
    ++since_try_;
    const int more = above(best_), tried = costs.knows(sequences, 0) || best_ == 0 ? more : 0;
    const double extra = costs(sequences, more) / costs(sequences, best_) - 1;
    if (!again_ && since_try_ < std::clamp(100 * extra, 4.0, 400.0)) return best_;
    since_try_ = 0, again_ = false;
    return tried;
}

void Controller::learn(const RoundCosts& costs, int sequences, int chosen, int drafted, int accepted) {
    for (int k = 1; k <= std::min(accepted + 1, chosen); ++k) {
        if (k > drafted && drafted > 0) break;  // the draft was shorter: nothing about places behind it
        places_[size_t(k)].add(k <= accepted);
    }
    again_ = chosen > best_ && (1 + accepted) * costs(sequences, best_) > tokens(best_) * costs(sequences, chosen);
}

}  // namespace rw::spec
