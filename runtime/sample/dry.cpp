#include "runtime/sample/dry.h"

#include <algorithm>

namespace rw::sample {

Repeats::Repeats(const Dry& options, std::span<const int32_t> tokens) : last_n_(options.last_n), breakers_(options.breakers) {
    std::sort(breakers_.begin(), breakers_.end());
    if (last_n_ >= 0 && int64_t(tokens.size()) > last_n_) tokens = tokens.last(size_t(last_n_));
    tokens_.assign(tokens.begin(), tokens.end());

    // For every place how much of what ends there is the text's end: the Z algorithm (Gusfield 1997), from the end. No
    // match is longer than what stands behind the last breaker.
    const size_t n = tokens_.size();
    const auto from_end = [&](size_t i) { return tokens_[n - 1 - i]; };
    size_t most = 0;
    while (most < n && !breaks(from_end(most))) ++most;
    std::vector<size_t> z(n);
    for (size_t i = 1, left = 0, right = 0; i < n; ++i) {
        size_t same = i < right ? std::min(right - i, z[i - left]) : 0;
        while (i + same < n && from_end(same) == from_end(i + same)) ++same;
        z[i] = same;
        if (i + same > right) left = i, right = i + same;
    }
    for (size_t i = n; i-- > 1;)
        if (const size_t length = std::min(z[i], most); length > 0) matches_.push_back({n - 1 - i, int64_t(length)});
}

bool Repeats::breaks(int32_t token) const { return std::binary_search(breakers_.begin(), breakers_.end(), token); }

/// Place of the window's first token.
size_t Repeats::first() const {
    return last_n_ >= 0 && int64_t(tokens_.size()) > last_n_ ? tokens_.size() - size_t(last_n_) : 0;
}

void Repeats::push(int32_t token) {
    // Twice the window is kept, so that moving it down costs nothing in the long run.
    if (last_n_ >= 0 && int64_t(tokens_.size()) > 2 * last_n_ + 64) {
        const size_t gone = first();
        tokens_.erase(tokens_.begin(), tokens_.begin() + std::ptrdiff_t(gone));
        std::erase_if(matches_, [&](const Match& m) { return m.end < gone; });
        for (Match& m : matches_) m.end -= gone;
    }
    std::vector<Match> matches;
    if (!breaks(token)) {
        auto shorter = matches_.begin();
        for (size_t i = first(); i < tokens_.size(); ++i) {
            if (tokens_[i] != token) continue;
            while (shorter != matches_.end() && shorter->end + 1 < i) ++shorter;
            const bool goes_on = shorter != matches_.end() && shorter->end + 1 == i;
            matches.push_back({i, goes_on ? shorter->length + 1 : 1});
        }
    }
    tokens_.push_back(token);
    matches_ = std::move(matches);
}

std::vector<Repeats::Next> Repeats::next(int64_t least) const {
    std::vector<Next> found;
    const size_t begin = first();
    for (const Match& m : matches_) {
        if (m.end < begin) continue;
        const int64_t length = std::min(m.length, int64_t(m.end - begin) + 1);
        const int32_t token = tokens_[m.end + 1];
        if (length >= least && !breaks(token)) found.push_back({token, length});
    }
    std::sort(found.begin(), found.end(),
              [](const Next& a, const Next& b) { return a.token != b.token ? a.token < b.token : a.length > b.length; });
    found.erase(std::unique(found.begin(), found.end(), [](const Next& a, const Next& b) { return a.token == b.token; }),
                found.end());
    return found;
}

std::vector<int32_t> tokens_with(const tokenizer::Vocabulary& vocabulary, std::span<const std::string> strings) {
    std::vector<int32_t> found;
    for (int32_t token = 0; token < int32_t(vocabulary.size()); ++token)
        if (std::any_of(strings.begin(), strings.end(),
                        [&](const std::string& s) { return vocabulary.bytes(token).find(s) != std::string_view::npos; }))
            found.push_back(token);
    return found;
}

}  // namespace rw::sample
