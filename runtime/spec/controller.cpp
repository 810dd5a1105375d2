#include "runtime/spec/controller.h"

#include <algorithm>
#include <cmath>

namespace rw::spec {

void Controller::Share::add(bool yes) {
    constexpr int recently = 12;
    ++tries;
    share += (double(yes) - share) * std::max(1.0 / tries, 1.0 / most);
    recent += (double(yes) - recent) * std::max(1.0 / tries, 1.0 / recently);
    // By luck the last few differ so much once in some hundred times: then another kind of text has begun.
    const double deviation = std::sqrt((share * (1 - share) + 0.01) / (2 * recently - 1));
    if (tries > 2 * recently && std::abs(recent - share) > 3 * deviation) share = recent, tries = recently;
}

double Controller::Share::with(double expected) const {
    constexpr double weight = 4;
    const double n = std::min(tries, most);
    return (share * n + expected * weight) / (n + weight);
}

Controller::Controller(int most, std::string who) : most_(most), who_(std::move(who)) {
    if (most < 0 || most > RoundCosts::kMost)
        throw Error(Status::invalid_argument, "n_max auto: at most " + std::to_string(RoundCosts::kMost) +
                                                  " drafts, not " + std::to_string(most));
    best_ = std::min(1, most);
}

double Controller::tokens(int n) const {
    double sum = 1, all = 1, share = 0.7;
    for (int k = 1; k <= n; ++k) sum += all *= share = places_[size_t(k)].stood.with(share);
    return sum;
}

double Controller::drafts(int n) const {
    double sum = 0, all = 1, share = 1;
    for (int k = 1; k <= n; ++k) sum += all *= share = places_[size_t(k)].offered.with(share);
    return sum;
}

double Controller::seconds(const RoundCosts& costs, const Others& others, int n, bool alone) const {
    const int sequences = others.sequences + 1, sharing = others.sharing + 1;
    const double rest = costs.rest(sequences, others.drafts + drafts(n));
    const auto drafting = [&](int longest) { return costs.drafting(who_, sharing, longest, sequences); };
    if (alone) return others.seconds + rest + drafting(std::max(n, others.longest));
    return others.seconds + rest + (drafting(n) + others.sharing * drafting(others.longest)) / sharing;
}

/// The next length that is considered.
int Controller::above(int n) const {
    for (const int step : kSteps)
        if (step > n) return std::min(step, most_);
    return most_;
}

int Controller::below(int n) const {
    int found = 0;
    for (const int step : kSteps)
        if (step < n) found = step;
    return found;
}

int Controller::choose(const RoundCosts& costs, const Others& others) {
    const int sequences = others.sequences + 1;
    others_tokens_ = others.tokens, worth_best_ = 0;
    if (costs.rest(sequences, 0) <= 0) return best_;  // nothing is known yet
    if (costs.plain_due(sequences)) return 0;
    const auto worth = [&](int n) { return (others.tokens + tokens(n)) / seconds(costs, others, n); };
    int best = best_;
    double worth_now = worth(best_), most_worth = worth_now * (1 + 0.01 / sequences);
    for (int n = 0;; n = above(n)) {
        // A little better is not enough, so that the choice does not run to and fro.
        if (const double w = worth(n); n != best_ && w > most_worth) best = n, worth_now = most_worth = w;
        if (n == most_) break;
    }
    times_parked_ += best == 0 && best_ > 0;
    best_ = best, worth_best_ = worth_now;
    parked_rounds_ += best_ == 0;
    ++since_try_;
    const int more = above(best_);
    tried_seconds_ = seconds(costs, others, more);
    const double extra = seconds(costs, others, more, true) / seconds(costs, others, best_, true) - 1;
    if (again_ || since_try_ >= std::clamp(150 * sequences * extra, 4.0, 400.0)) {
        since_try_ = 0, ++tries_;
        // Fewer too, whose time was perhaps unlucky when it was measured.
        const bool fewer = !again_ && tries_ % 4 == 0;
        again_ = false;
        return fewer ? below(best_) : more;
    }
    return best_;
}

void Controller::learn(int chosen, int drafted, int accepted) {
    for (int k = 1; k <= std::min(accepted + 1, chosen); ++k) places_[size_t(k)].stood.add(k <= accepted);
    for (int k = 1; k <= std::min(drafted + 1, chosen); ++k) places_[size_t(k)].offered.add(k <= drafted);
    again_ = chosen > best_ && worth_best_ > 0 && others_tokens_ + 1 + accepted > worth_best_ * tried_seconds_;
}

}  // namespace rw::spec
