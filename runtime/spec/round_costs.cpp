#include "runtime/spec/round_costs.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

namespace rw::spec {

int CostLine::rounded(int x) {
    const int step = std::max(1, int(std::bit_ceil(unsigned(std::max(x, 1)))) / 64);
    return (x + step / 2) / step * step;
}

void CostLine::add(int x, double seconds) {
    if (!(seconds > 0) || !std::isfinite(seconds) || x < 0) return;
    Cost& c = known_[rounded(x)];
    // The first round of a shape records its plan: its time stands only until there is another.
    if (c.times <= 1) c.seconds = seconds;
    else {
        // What took much less than is believed shows that something else was measured before.
        const double weight = seconds < c.seconds / 1.5 ? 0.5 : std::max(1.0 / c.times, 1.0 / 32);
        c.seconds += (std::min(seconds, 2 * c.seconds) - c.seconds) * weight;
    }
    ++c.times;
}

void CostLine::set(int x, double seconds) { known_[rounded(x)] = {seconds, 2}; }

/// The straight line that fits what is known nearby best, at x; 0 where that does not say it.
double CostLine::nearby(double x, double reach) const {
    double weights = 0, first = 0, second = 0, sum = 0, product = 0;  // of distances, and times seconds
    auto at = known_.lower_bound(int(std::ceil(x - reach)));
    double least = reach, most = -reach;
    for (; at != known_.end() && at->first <= x + reach; ++at) {
        const double d = at->first - x, w = std::min(at->second.times, 32) * (1 - std::abs(d) / (reach + 1));
        weights += w, first += w * d, second += w * d * d, sum += w * at->second.seconds, product += w * d * at->second.seconds;
        least = std::min(least, d), most = std::max(most, d);
    }
    const double spread = weights * second - first * first;
    if (least > 0 || most < 0 || spread <= 0) return 0;
    return std::max(0.0, (second * sum - first * product) / spread);
}

double CostLine::operator()(double x, double slope, double reach) const {
    if (known_.empty()) return 0;
    if (const double found = reach >= 1 ? nearby(x, reach) : 0; found > 0) return found;
    const auto above = known_.lower_bound(int(std::ceil(x)));
    const auto line = [&](auto a, auto b) {
        return a->second.seconds + (b->second.seconds - a->second.seconds) / (b->first - a->first) * (x - a->first);
    };
    if (above == known_.begin()) return above->second.seconds / (1 + slope * (above->first - x));
    const auto below = std::prev(above);
    if (above != known_.end()) return line(below, above);
    if (below == known_.begin()) return below->second.seconds * (1 + slope * (x - below->first));
    return std::max(line(std::prev(below), below), below->second.seconds);
}

size_t RoundCosts::bucket(int sequences) {
    return std::min<size_t>(std::bit_width(unsigned(std::max(sequences, 1) - 1)), kBuckets - 1);
}

void RoundCosts::add_rest(int sequences, int drafts, double seconds) {
    const size_t b = bucket(sequences);
    rest_[b].add(drafts, seconds);
    // One that was due and in which others drafted all the same is not asked for again at once.
    if (Plain& p = plain_[b]; ++p.since > p.interval() || drafts == 0) p.times = std::min(p.times + 1, 16), p.since = 0;
}

bool RoundCosts::plain_due(int sequences) const {
    const Plain& p = plain_[bucket(sequences)];
    return p.since >= p.interval();
}

void RoundCosts::set_rest(size_t bucket, int drafts, double seconds) {
    rest_.at(bucket).set(drafts, seconds);
    if (drafts == 0) plain_.at(bucket).times = 4;
}

double RoundCosts::rest(int sequences, double drafts) const {
    constexpr double slope = 0.05;  // of a sequence's share for a draft, until more is known
    return rest_[bucket(sequences)](drafts, slope / sequences, sequences / 2.0);
}

double RoundCosts::drafting(const std::string& who, int asking, int longest, int sequences) const {
    const auto row = drafting_.find(who);
    if (longest == 0) return 0;
    for (size_t at = bucket(asking) + 1; row != drafting_.end() && at-- > 0;) {  // of fewer, where as many never asked
        const CostLine& line = row->second[at];
        if (line.empty()) continue;
        const int known = line.known().begin()->first;  // nothing takes no time
        return longest < known ? line(known, 0) * longest / known : line(longest, 1.0 / known);
    }
    return 0.05 * longest * rest(sequences, 0);
}

void RoundCosts::add_yield(int sequences, int64_t tokens, double seconds) {
    if (!(seconds > 0) || !std::isfinite(seconds)) return;
    Yield& y = yield_[bucket(sequences)];
    constexpr double kept = 63.0 / 64;
    y.tokens = y.tokens * kept + double(tokens), y.seconds = y.seconds * kept + seconds;
}

double RoundCosts::rate(int sequences) const {
    const Yield& y = yield_[bucket(sequences)];
    return y.seconds > 0 ? y.tokens / y.seconds : 0;
}

}  // namespace rw::spec
