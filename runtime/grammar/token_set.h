// Tokens, a bit each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace rw::grammar {

class TokenSet {
public:
    explicit TokenSet(size_t tokens) : words_((tokens + 63) / 64) {}
    void add(int32_t token) { words_[size_t(token) / 64] |= uint64_t(1) << (token % 64); }
    void add(const TokenSet& others) {
        for (size_t i = 0; i < words_.size(); ++i) words_[i] |= others.words_[i];
    }
    bool has(int32_t token) const { return words_[size_t(token) / 64] >> (token % 64) & 1; }
    size_t count() const {
        size_t sum = 0;
        for (const uint64_t word : words_) sum += size_t(std::popcount(word));
        return sum;
    }
    template <class F>
    void each(F&& f) const {
        for (size_t i = 0; i < words_.size(); ++i)
            for (uint64_t word = words_[i]; word != 0; word &= word - 1) f(int32_t(64 * i) + std::countr_zero(word));
    }
    /// All others become impossible.
    void mask(std::span<float> logits) const {
        constexpr float never = -std::numeric_limits<float>::infinity();
        for (size_t i = 0; i < logits.size(); i += 64) {
            const size_t end = std::min(i + 64, logits.size());
            const uint64_t word = i / 64 < words_.size() ? words_[i / 64] : 0;
            if (word == 0) std::fill(logits.begin() + ptrdiff_t(i), logits.begin() + ptrdiff_t(end), never);
            else if (word != ~uint64_t(0))
                for (size_t t = i; t < end; ++t) logits[t] = word >> (t - i) & 1 ? logits[t] : never;
        }
    }
    uint64_t bytes() const { return words_.size() * sizeof(uint64_t); }

private:
    std::vector<uint64_t> words_;
};

}  // namespace rw::grammar
