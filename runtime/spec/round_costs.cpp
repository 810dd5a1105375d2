#include "runtime/spec/round_costs.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

namespace rw::spec {

namespace {

/// Of the seconds of a round without drafts: a sequence's draft costs a twentieth of its share, give or take as much twice.
CostLine::Prior rest_prior(size_t bucket) {
    const double sequences = double(1 << bucket);
    return {1, 0.05 / sequences, 1, 0.1 / sequences, 0.1 / sequences, std::max(1, (1 << bucket) / 2)};
}

/// Nothing takes no time; else a draft takes as long as another, give or take.
constexpr CostLine::Prior drafting_prior{0.1, 1, 0.3, 0.7, 0.2};

}  // namespace

size_t RoundCosts::bucket(int sequences) {
    return std::min<size_t>(std::bit_width(unsigned(std::max(sequences, 1) - 1)), kBuckets - 1);
}

void RoundCosts::add_rest(int sequences, int drafts, double seconds) {
    const size_t b = bucket(sequences);
    Plain& p = plain_[b];
    // Where the device is another now, what plain decoding takes is soon asked for again.
    if (rest_[b].add(drafts, seconds, rest_prior(b))) p.times = std::min(p.times, 2);
    // One that was due and in which others drafted all the same is not asked for again at once.
    if (++p.since > p.interval() || drafts == 0) p.times = std::min(p.times + 1, 16), p.since = 0;
}

bool RoundCosts::plain_due(int sequences) const {
    const Plain& p = plain_[bucket(sequences)];
    return p.since >= p.interval();
}

void RoundCosts::set_rest(size_t bucket, int drafts, double seconds) {
    rest_.at(bucket).set(drafts, seconds, rest_prior(bucket));
    if (drafts == 0) plain_.at(bucket).times = 4;
}

double RoundCosts::rest(int sequences, double drafts) const { return rest_[bucket(sequences)](drafts); }

void RoundCosts::add_drafting(const std::string& who, int sequences, int longest, double seconds) {
    drafting_[who][bucket(sequences)].add(longest, seconds, drafting_prior);
}

void RoundCosts::set_drafting(const std::string& who, size_t bucket, int longest, double seconds) {
    drafting_[who].at(bucket).set(longest, seconds, drafting_prior);
}

double RoundCosts::drafting(const std::string& who, int asking, int longest, int sequences) const {
    const auto row = drafting_.find(who);
    if (longest == 0) return 0;
    for (size_t at = bucket(asking) + 1; row != drafting_.end() && at-- > 0;)  // of fewer, where as many never asked
        if (const CostLine& line = row->second[at]; !line.empty()) return line(longest);
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
