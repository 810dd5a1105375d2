#include "runtime/spec/cost_line.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace rw::spec {
namespace {

constexpr double noise_of_times = 0.08;   // of a time
constexpr double drift = 0.01;            // of the device, between two rounds
constexpr double forgotten = 1.0 / 20000; // a round, of what was learnt of the shape

}  // namespace

bool CostLine::possible(double seconds) { return seconds >= 1e-9 && seconds < 3600; }

CostLine::Place CostLine::place(double x) const {
    const double multiple = std::clamp(x / prior_.unit, 0.0, double(kMultiples[kKnots - 1]));
    const auto above = std::upper_bound(std::begin(kMultiples) + 1, std::end(kMultiples) - 1, multiple);
    const size_t low = size_t(above - kMultiples) - 1;
    return {low, (multiple - kMultiples[low]) / (*above - kMultiples[low])};
}

double CostLine::prior_covariance(size_t i, size_t j) const {
    const double x = double(prior_.unit) * kMultiples[i], y = double(prior_.unit) * kMultiples[j];
    const auto square = [](double a) { return a * a; };
    return square(scale_) * (square(prior_.level_off) + square(prior_.slope_off) * x * y + square(prior_.step_off) * std::min(x, y));
}

void CostLine::make_room() { mean_.resize(kKnots), covariance_.resize(kKnots * kKnots); }

void CostLine::begin(int x, double seconds, const Prior& prior) {
    prior_ = prior;
    scale_ = seconds / (prior.level + prior.slope * x);
    make_room();
    for (size_t i = 0; i < kKnots; ++i) {
        mean_[i] = scale_ * (prior.level + prior.slope * prior.unit * kMultiples[i]);
        for (size_t j = 0; j < kKnots; ++j) covariance_[i * kKnots + j] = prior_covariance(i, j);
    }
}

/// Another round has passed, and the device may have become slower or faster, in all, and otherwise.
void CostLine::age() {
    for (size_t i = 0; i < kKnots; ++i)
        for (size_t j = 0; j < kKnots; ++j) {
            double& c = covariance_[i * kKnots + j];
            c += (prior_covariance(i, j) - c) * forgotten + drift * drift * mean_[i] * mean_[j];
        }
}

/// What was found at a place; of what is farther off than so many deviations only these count.
bool CostLine::learn(int x, double seconds, double noise, double credible) {
    const Place at = place(x);
    const double a = 1 - at.part, b = at.part;
    const double* const low = &covariance_[at.low * kKnots];
    const double* const high = low + kKnots;
    std::array<double, kKnots> with;  // covariance of the place with each knot
    for (size_t i = 0; i < kKnots; ++i) with[i] = a * low[i] + b * high[i];
    const double believed = a * mean_[at.low] + b * mean_[at.low + 1];
    const double variance = a * with[at.low] + b * with[at.low + 1] + std::pow(noise * believed, 2);
    const double deviation = std::sqrt(variance);
    const double surprise = std::clamp((seconds - believed) / deviation, -credible, credible), news = surprise * deviation;
    for (size_t i = 0; i < kKnots; ++i) {
        mean_[i] = std::max(mean_[i] + with[i] / variance * news, 0.01 * mean_[i]);
        for (size_t j = 0; j < kKnots; ++j) covariance_[i * kKnots + j] -= with[i] * with[j] / variance;
    }
    int& times = times_[at.low + (b > 0.5)];
    times = std::min(times + 1, 2);
    surprise_ += (surprise - surprise_) / 8;
    if (std::abs(surprise_) < 1) return false;
    // Several in a row that are not credible: it has changed, and all that is sure is what is measured from now on.
    surprise_ = 0;
    scale_ = (a * mean_[at.low] + b * mean_[at.low + 1]) / (prior_.level + prior_.slope * x);
    for (size_t i = 0; i < kKnots; ++i)
        for (size_t j = 0; j < kKnots; ++j) covariance_[i * kKnots + j] += prior_covariance(i, j) / 4;
    return true;
}

bool CostLine::add(int x, double seconds, const Prior& prior) {
    if (!possible(seconds) || x < 0) return false;
    if (empty()) begin(x, seconds, prior);
    age();
    auto seen = shapes_[size_t(x) % shapes_.size()];
    const bool first = !seen;
    seen = true;
    // All before the first that comes again were first times: they say nothing where those are much longer.
    if (!first && !std::exchange(settled_, true) && seconds < (*this)(x) / 1.5) begin(x, seconds, prior);
    const bool recorded = first && (!settled_ || seconds > 1.25 * (*this)(x));
    return recorded ? learn(x, seconds, 8 * noise_of_times, 1) : learn(x, seconds, noise_of_times, 4);
}

void CostLine::set(int x, double seconds, const Prior& prior) {
    if (!possible(seconds) || x < 0) return;
    if (empty()) begin(x, seconds, prior);
    learn(x, seconds, noise_of_times / 4, 1e9);
    surprise_ = 0, settled_ = true;
    shapes_.set(size_t(x) % shapes_.size()), times_[place(x).low] += 2;
}

double CostLine::operator()(double x) const {
    if (empty()) return 0;
    const Place at = place(x);
    return (1 - at.part) * mean_[at.low] + at.part * mean_[at.low + 1];
}

std::vector<CostLine::Known> CostLine::known() const {
    std::vector<Known> list;
    for (size_t i = 0; i < kKnots && !empty(); ++i)
        if (times_[i] > 1) list.push_back({prior_.unit * kMultiples[i], mean_[i]});
    return list;
}

}  // namespace rw::spec
