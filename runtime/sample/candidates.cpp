#include "runtime/sample/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rw::sample {
namespace {

bool before(const Weighted& a, const Weighted& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; }

/// Keeps the first of the order that make up `share` of the weight, sorted. As many as are looked at are selected and
/// sorted, first few, then ever more.
template <class Token, class Before>
void keep_share(std::vector<Token>& list, double share, const Before& earlier) {
    double all = 0, kept = 0;
    for (const Token& w : list) all += w.weight;
    size_t n = 0, sorted = 0;
    do {
        if (n == sorted) {
            const size_t more = std::min(list.size(), std::max<size_t>(64, 4 * sorted));
            const auto from = list.begin() + std::ptrdiff_t(sorted), to = list.begin() + std::ptrdiff_t(more);
            if (more < list.size()) std::nth_element(from, to, list.end(), earlier);
            std::sort(from, to, earlier);
            sorted = more;
        }
        kept += list[n++].weight;
    } while (n < list.size() && kept < share * all);
    list.resize(n);
}

}  // namespace

float counting(float logit) { return std::isnan(logit) ? std::numeric_limits<float>::lowest() : logit; }

int32_t greatest(std::span<const float> logits) {
    size_t best = 0;
    for (size_t i = 1; i < logits.size(); ++i)
        if (counting(logits[i]) > counting(logits[best])) best = i;
    return int32_t(best);
}

std::vector<Weighted> greatest(std::span<const float> logits, size_t k) {
    k = std::min(k, logits.size());
    std::vector<Weighted> list;
    if (k == 0) return list;
    const size_t most = std::min(logits.size(), 2 * k + 64);
    list.reserve(most);
    // What is not above the k-th greatest so far is passed by: an equal one with a higher id comes behind it.
    float bar = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < logits.size(); ++i) {
        const float x = counting(logits[i]);
        if (list.size() >= k && !(x > bar)) continue;
        list.push_back({int32_t(i), x, 0});
        if (list.size() < most || most == k) continue;
        std::nth_element(list.begin(), list.begin() + std::ptrdiff_t(k) - 1, list.end(), before);
        list.resize(k);
        bar = list.back().logit;
    }
    std::sort(list.begin(), list.end(), before);
    list.resize(k);
    return list;
}

Candidates::Candidates(std::span<const float> logits, int64_t top_k, double temperature) {
    if (top_k > 0 && size_t(top_k) < logits.size()) {
        list_ = greatest(logits, size_t(top_k));
    } else {
        list_.resize(logits.size());
        for (size_t i = 0; i < logits.size(); ++i) list_[i] = {int32_t(i), counting(logits[i]), 0};
    }
    float most = list_.front().logit;
    for (const Weighted& w : list_) most = std::max(most, w.logit);
    for (Weighted& w : list_)  // equal infinities have no difference
        w.weight = w.logit == most ? 1 : std::exp((double(w.logit) - double(most)) / temperature);
}

void Candidates::keep_min_p(double share) {
    if (share > 0) std::erase_if(list_, [&](const Weighted& w) { return w.weight < share; });
}

void Candidates::keep_top_p(double share) {
    if (share < 1) keep_share(list_, share, before);
}

void Candidates::keep_typical(double share) {
    if (share >= 1) return;
    const double all = total();
    const auto information = [&](const Weighted& w) { return -std::log(w.weight / all); };
    double entropy = 0;
    for (const Weighted& w : list_)
        if (w.weight > 0) entropy += w.weight / all * information(w);
    struct Far : Weighted {
        double distance;
    };
    std::vector<Far> far;
    far.reserve(list_.size());
    for (const Weighted& w : list_) far.push_back({w, std::abs(information(w) - entropy)});
    keep_share(far, share, [](const Far& a, const Far& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.token < b.token;
    });
    list_.assign(far.begin(), far.end());
}

void Candidates::keep_surprise(double bits) {
    const double least = std::exp2(-bits) * total();
    std::erase_if(list_, [&](const Weighted& w) { return w.weight < least && w.weight < 1; });
}

void Candidates::remove(int32_t token) {
    std::erase_if(list_, [&](const Weighted& w) { return w.token == token; });
}

const Weighted* Candidates::find(int32_t token) const {
    const auto it = std::find_if(list_.begin(), list_.end(), [&](const Weighted& w) { return w.token == token; });
    return it == list_.end() ? nullptr : &*it;
}

const Weighted& Candidates::at(double u) const {
    // The sum is total()'s, so that it gets above this, at a token that weighs something.
    const double drawn = u * total();
    double sum = 0;
    for (const Weighted& w : list_) {
        sum += w.weight;
        if (sum > drawn) return w;
    }
    return list_.back();
}

double Candidates::total() const {
    double sum = 0;
    for (const Weighted& w : list_) sum += w.weight;
    return sum;
}

}  // namespace rw::sample
