#include "runtime/spec/controller.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rw::spec {
Controller::Controller(int most, int least) : most_(most), least_(least) {
    if (most < 0 || most > RoundCosts::kMost)
        throw Error(Status::invalid_argument, "n_max auto: at most " + std::to_string(RoundCosts::kMost) +
                                                  " drafts, not " + std::to_string(most));
    if (least < 0 || least > most)
        throw Error(Status::invalid_argument, "n_min " + std::to_string(least) + ": 0 to n_max auto's " + std::to_string(most));
    best_ = std::min(std::max(1, least), most);
    expect();
}

void Controller::expect() {
    double tokens = 1, all = 1, share = 0.7, drafts = 0, there = 1, offered = 1;
    tokens_[0] = 1;
    for (size_t k = 1; k <= size_t(most_); ++k) {
        tokens_[k] = tokens += all *= share = places_[k].stood.with(share);
        drafts_[k] = drafts += there *= offered = places_[k].offered.with(offered);
    }
}

/// Tokens of a round that may draft n, more than the best, if the places beyond that are better than believed.
double Controller::hoped(int n) const {
    constexpr double errors = 0.5;  // of the standard one
    double sum = tokens(best_), all = best_ > 0 ? sum - tokens(best_ - 1) : 1, share = 0.7;
    for (int k = 1; k <= n; ++k) {
        const Share& stood = places_[size_t(k)].stood;
        const double error = stood.error(share);
        share = stood.with(share);
        if (k > best_) sum += all *= std::min(share + errors * error, 1.0);
    }
    return sum;
}

/// The next length that is considered.
int Controller::above(int n) const {
    for (const int step : kSteps)
        if (step > n && step >= least_) return std::min(step, most_);
    return most_;
}

int Controller::below(int n) const {
    int found = 0;
    for (const int step : kSteps)
        if (step < n) found = step;
    return allowed(found);
}

int Controller::choose(const RoundCosts& costs, const Others& others) {
    const int sequences = others.sequences + 1, sharing = others.sharing + 1;
    tried_ = false;
    if (costs.rest(sequences, 0) <= 0) return best_;  // nothing is known yet
    if (costs.plain_due(sequences)) return 0;
    const auto drafting = [&](int n) { return size_t(n) < others.drafting.size() ? others.drafting[size_t(n)] : 0; };
    const double theirs = others.sharing * drafting(others.longest);
    // Seconds of a round with this one's part of what drafting takes; alone: if only this one changes its mind.
    const auto seconds = [&](int n, bool alone = false) {
        const double draft = alone ? drafting(std::max(n, others.longest)) : (drafting(n) + theirs) / sharing;
        return others.seconds + draft + costs.rest(sequences, others.drafts + drafts(n));
    };
    const auto worth = [&](int n) { return (others.tokens + tokens(n)) / seconds(n); };
    // Where rows are cut into eights, sixteens or more, the next costs much: what lies before such an end is seen
    // first.
    const int reach = std::min(most_, int(std::bit_ceil(unsigned(longest_) + 2)) - 1);
    int best = best_;
    double most_worth = worth(best_) * (1 + (best_ > 0 ? 0.01 : 0.02) / sequences);
    for (int n = 0;; n = above(n)) {
        // A little better is not enough, so that the choice does not run to and fro, least of all away from plain
        // decoding.
        if (const double w = worth(n); n != best_ && w > most_worth) best = n, most_worth = w;
        if (above(n) > std::max({reach, best_, least_}) || n == most_) break;
    }
    times_parked_ += best == 0 && best_ > 0;
    best_ = best;
    parked_rounds_ += best_ == 0;
    savings_.save(sequences);
    const bool again = std::exchange(again_, false);
    // Fewer too, whose time was perhaps unlucky when it was measured; what none takes is asked for anyway.
    const bool down = !again && below(best_) > 0 && tries_ % 4 == 3;
    const int n = down ? below(best_) : above(best_);
    longer_ = seconds(n, true) / seconds(best_, true), others_tokens_ = others.tokens;
    // What is little known is tried more often, as it may be better.
    const double then = others.tokens + (n > best_ ? hoped(n) : tokens(n));
    tried_ = n != best_ && savings_.allow(longer_ - then / (others.tokens + tokens(best_)), again);
    tries_ += tried_;
    return tried_ ? n : best_;
}

void Controller::learn(int chosen, int drafted, int accepted) {
    longest_ = std::max(longest_, chosen);
    if (std::exchange(tried_, false)) {  // only what a try adds or leaves out counts: the rest is luck, which would hide it
        const double gained = chosen > best_ ? std::max(accepted - best_, 0) : tokens(chosen) - tokens(best_);
        savings_.settle(longer_ - 1 - gained / (others_tokens_ + tokens(best_)));
    }
    bool changed = false;
    for (int k = 1; k <= most_; ++k) {
        Share& stood = places_[size_t(k)].stood;
        if (k <= std::min(accepted + 1, chosen)) changed |= stood.add(k <= accepted);
        else if (changed) stood.doubt();  // where another kind of text has begun, later places are another matter too
    }
    for (int k = 1; k <= std::min(drafted + 1, chosen); ++k) places_[size_t(k)].offered.add(k <= drafted);
    again_ = accepted > best_ && places_[size_t(accepted)].stood.rise() > 1;
    expect();
}

}  // namespace rw::spec
