// One table for all sequences: what last followed any n tokens, at the place that their hash has in it.
//
// An entry is a token, 16 more bits of the hash, which keep almost all others' n tokens from being taken for these, and
// the age it was written in. Nothing is ever searched or cleared: after three drafts in a row of which less than half
// stood the table gets one age older and the sequence writes its own tokens anew; what nobody has written or drafted with
// success for `kAges` ages counts as empty. So what is stale goes, and what the sequence is about stays.
#pragma once

#include <unordered_map>

#include "runtime/spec/ngram.h"

namespace rw::spec {

class NgramMod : public Drafter {
public:
    struct Options {
        int n = 16;               // tokens of a key
        uint32_t entries = 1 << 20; // of the table, of eight bytes each; a power of two
        bool checked = true;        // false: keys that share a place are not told apart, and draft for one another
    };
    /// Throws Error(invalid_argument) for options out of range.
    explicit NgramMod(Options options);
    std::string name() const override { return "ngram-mod"; }
    void begin(const Known& known) override;
    void draft(std::span<DraftJob> jobs) override;
    void accept(const Known& known, int drafted, int accepted) override;
    void observe(const Known& known) override;
    void end(uint64_t id) override { cursors_.erase(id); }
    uint64_t bytes() const override { return bytes_of(table_.size()); }
    static uint64_t bytes_of(uint64_t entries) { return entries * sizeof(Entry); }

private:
    static constexpr uint16_t kAges = 4;
    struct Entry {
        int32_t token = -1;  // none
        uint16_t check = 0, age = 0;
    };
    struct Cursor {
        size_t seen = 0;  // tokens that are in the table
        int poor = 0;     // drafts in a row of which less than half stood
        std::vector<uint64_t> used{};  // keys of the last draft
    };
    Entry& at(uint64_t key) { return table_[key & (table_.size() - 1)]; }
    static uint16_t check(uint64_t key) { return uint16_t(key >> 48); }
    bool live(const Entry& entry, uint64_t key) const {
        return entry.token >= 0 && (!options_.checked || entry.check == check(key)) && uint16_t(age_ - entry.age) < kAges;
    }
    void grow_older();

    Options options_;
    std::vector<Entry> table_;
    uint16_t age_ = 0;
    std::unordered_map<uint64_t, Cursor> cursors_;
};

}  // namespace rw::spec
