// What the drafters that look tokens up have in common: a sequence with the draft behind it, and hashes of its last n
// tokens that move on one token at a time.
#pragma once

#include "runtime/spec/drafter.h"

namespace rw::spec {

/// The known tokens and then those of a draft in the making.
class Window {
public:
    explicit Window(const Known& known) : known_(known) {}
    size_t size() const { return known_.size() + draft_.size(); }
    int32_t operator[](size_t i) const { return i < known_.size() ? known_[i] : draft_[i - known_.size()]; }
    void push(int32_t token) { draft_.push_back(token); }

private:
    const Known& known_;
    std::vector<int32_t> draft_;
};

/// A polynomial in the tokens, modulo 2^64, over the last n of them; key() mixes it, so that its low bits do for a table.
class NgramHash {
public:
    explicit NgramHash(int n) : n_(n) {
        for (int i = 0; i < n; ++i) first_ *= kBase;
    }
    /// Of the n tokens before `end`, which is at least n.
    template <class Tokens>
    void start(const Tokens& tokens, size_t end) {
        value_ = 0;
        for (size_t i = end - size_t(n_); i < end; ++i) value_ = value_ * kBase + number(tokens[i]);
    }
    void move(int32_t left, int32_t joined) { value_ = value_ * kBase + number(joined) - first_ * number(left); }
    uint64_t key() const {
        uint64_t z = (value_ ^ (value_ >> 32)) * 0xd6e8feb86659fd93;
        z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93;
        return z ^ (z >> 32);
    }

private:
    static constexpr uint64_t kBase = 6364136223846793005;
    static uint64_t number(int32_t token) { return uint64_t(uint32_t(token)) + 1; }
    int n_;
    uint64_t first_ = 1, value_ = 0;
};

/// Calls visit(key, i) for i = from, ..., size - 1: token i, and the key of the n tokens before it.
template <class Tokens, class Visit>
void visit_ngrams(const Tokens& tokens, int n, size_t from, const Visit& visit) {
    from = std::max(from, size_t(n));
    if (from >= tokens.size()) return;
    NgramHash hash(n);
    hash.start(tokens, from);
    for (size_t i = from; i < tokens.size(); ++i) {
        visit(hash.key(), i);
        hash.move(tokens[i - size_t(n)], tokens[i]);
    }
}

}  // namespace rw::spec
