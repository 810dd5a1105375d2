// What rounds cost, learnt from their times: drafting, and all the rest (verifying, going back, choosing).
//
// Drafting is timed by who drafts, for how many sequences and the longest draft that is asked of it; the rest by how many
// sequences take part and how many drafts there are of all of them together. So what one sequence's drafts cost all others
// is known, and a draft that came out short costs what it was. One object serves all sequences of a device.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "rewind/ops/contract.h"
#include "runtime/spec/cost_line.h"

namespace rw::spec {

class RoundCosts {
public:
    static constexpr int kMost = 64;          // drafts of a sequence
    static constexpr int kMostDrafts = 1 << 16;  // of all together
    static constexpr size_t kBuckets = 10;    // of sequences: 1, 2, 3 to 4, 5 to 8, ...
    static size_t bucket(int sequences);

    /// Afterwards add_rest of so many sequences does not throw, nor add_drafting of this drafter for so many.
    void make_room(int sequences) { rest_[bucket(sequences)].make_room(); }
    void make_room(const std::string& who, int sequences) { drafting_[who][bucket(sequences)].make_room(); }

    void add_rest(int sequences, int drafts, double seconds);
    void add_drafting(const std::string& who, int sequences, int longest, double seconds);
    /// Of a round with so many drafts; 0 when nothing is known of as many sequences.
    double rest(int sequences, double drafts) const;
    /// Whether the next round of so many should draft nothing for anybody, so that it is known what that takes: two of the
    /// first rounds, then ever more seldom, down to one in 256.
    bool plain_due(int sequences) const;
    /// Of `asking` sequences' drafts; until that is known, a guess by rounds of `sequences`.
    double drafting(const std::string& who, int asking, int longest, int sequences) const;

    /// What rounds of so many sequences yielded, and took.
    void add_yield(int sequences, int64_t tokens, double seconds);
    /// Tokens a second of the last sixty rounds or so; 0 when there were none.
    double rate(int sequences) const;

    using Row = std::array<CostLine, kBuckets>;
    const Row& rests() const { return rest_; }
    const std::map<std::string, Row>& draftings() const { return drafting_; }
    /// Of a bucket: what was learnt before.
    void set_rest(size_t bucket, int drafts, double seconds);
    void set_drafting(const std::string& who, size_t bucket, int longest, double seconds);

private:
    struct Yield {
        double tokens = 0, seconds = 0;
    };
    struct Plain {
        int times = 0, since = 0;
        int interval() const { return times < 2 ? 1 : std::min(1 << (times + 1), 256); }
    };
    Row rest_{};
    std::array<Plain, kBuckets> plain_{};
    std::map<std::string, Row> drafting_;
    std::array<Yield, kBuckets> yield_{};
};

}  // namespace rw::spec
