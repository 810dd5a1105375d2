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
            uint64_t others = ~(i / 64 < words_.size() ? words_[i / 64] : 0);
            if (end - i < 64) others &= (uint64_t(1) << (end - i)) - 1;
            if (others == ~uint64_t(0)) std::fill_n(logits.begin() + ptrdiff_t(i), 64, never);
            else
                for (; others != 0; others &= others - 1) logits[i + size_t(std::countr_zero(others))] = never;
        }
    }
    uint64_t bytes() const { return words_.size() * sizeof(uint64_t); }

private:
    std::vector<uint64_t> words_;
};

}  // namespace rw::grammar
