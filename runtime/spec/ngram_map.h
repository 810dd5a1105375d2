// What followed the last n tokens, counted: keys of n tokens, with up to four tokens that came behind them and how often.
//
// A token is guessed when its key came at least min_hits times and more than half of them ended in this token; then the
// key of the n tokens that end with it is looked up, and so on. A full key makes room for a fifth token by counting the
// rarest down. Every key has a cap on the length of drafts that begin at it: half as long again after a draft that stood,
// cut to what stood and one after one that did not, never below one token.
#pragma once

#include <array>
#include <unordered_map>

#include "runtime/spec/ngram.h"

namespace rw::spec {

class NgramMap : public Drafter {
public:
    struct Options {
        int n = 6;         // tokens of a key
        int min_hits = 1;  // of a key, before it is used
    };
    /// Throws Error(invalid_argument) for numbers below 1.
    explicit NgramMap(Options options);
    std::string name() const override { return "ngram-map"; }
    void begin(const Known& known) override;
    void draft(std::span<DraftJob> jobs) override;
    void accept(const Known& known, int drafted, int accepted) override;
    void observe(const Known& known) override;
    void end(uint64_t id) override { maps_.erase(id); }
    uint64_t bytes() const override;

private:
    static constexpr uint32_t kMostDraft = 64;
    struct Follower {
        int32_t token = 0;
        uint32_t count = 0;
    };
    struct Entry {
        std::array<Follower, 4> followers{};
        uint32_t hits = 0, cap = kMostDraft;
        void add(int32_t token);
    };
    struct Map {
        std::unordered_map<uint64_t, Entry> entries;
        size_t seen = 0;         // tokens that are counted as followers
        uint64_t drafted_at = 0; // key that the last draft began with
    };
    /// The token that mostly comes behind, and its share; no token when there is none.
    const Follower* majority(const Entry& entry) const;

    Options options_;
    std::unordered_map<uint64_t, Map> maps_;
};

}  // namespace rw::spec
