// What sequences had taken in at the cuts of their prompts, so that a prompt that begins like one before runs its tail
// alone. Docs: docs/prefix-cache.md.
//
//     PrefixCache cache(context, {.budget = 1 << 30});
//     const PrefixCache::Prompt prompt{tokens, cuts};   // prompt_cuts.h
//     cache.restore(state, prompt, mtp);                // the state is at a cut now, at 0 when nothing is known
//     ... run the prompt from state.pos() to the next cut ...
//     cache.offer(state, prompt);                       // at each cut
//
// A recurrent state can be had at the place alone where it was copied, keys and values at every token. So entries form a
// tree, one for each cut: it holds the rows of its own segment, from the cut before, and, as long as there is room, the
// recurrent layers' state there. Restoring copies the segments on the way and the state at its end.
//
// Two prompts share an entry if they have the same tokens and the same cuts up to it. Cuts decide how a prompt is
// grouped into products, so a restored state has the bits that running the prompt gives.
//
// The bytes of everything held never pass the budget. Room is made by dropping the state that was used longest ago; an
// entry without a state is kept for the rows alone, while others stand on it. Nobody's request fails for want of room or
// of a copy: what the cache cannot do is left to be computed. As the context: one thread at a time.
#pragma once

#include <list>
#include <map>

#include "runtime/sequence/piece_store.h"
#include "runtime/sequence/token_key.h"

namespace rw::sequence {

class PrefixCache {
public:
    struct Options {
        uint64_t budget = 0;                                // bytes; 0 keeps nothing
        PieceStore::Where where = PieceStore::Where::host;  // of host memory or of the device's
        /// Of the cuts at multiples of the chunk, states are kept at those that are multiples of this too; 0: at all.
        int64_t every = 0;
        uint64_t key_mask = UINT64_MAX;                     // for tests: what is left of keys
    };
    struct Stats {
        uint64_t entries = 0, states = 0;  // cuts known, and those with their state
        uint64_t bytes = 0, budget = 0;
        uint64_t hits = 0, misses = 0;     // times that something further was known; prompts of which nothing was
        uint64_t tokens = 0;               // that needed not be run
        uint64_t evicted = 0;              // states dropped to make room
        uint64_t refused = 0, failed = 0;  // cuts that did not fit beside their own prompt; copies that failed
        double restore_seconds = 0, keep_seconds = 0;
    };
    struct Prompt {
        std::span<const int32_t> tokens;
        std::span<const int64_t> cuts;  // where its calls end, ascending
    };

    /// The context has to outlive it.
    PrefixCache(model::Context& context, const Options& options);
    ~PrefixCache();

    /// Takes a state that is at 0 or at a cut of this prompt to the furthest cut that is known, so that at least one token
    /// is left to run. mtp: with what the MTP block has to know. False: nothing further is known, the state is as it was.
    /// Should a copy fail, the state is empty.
    bool restore(SequenceState& state, const Prompt& prompt, bool mtp);
    /// The cut to which that would take a state at 0; 0 when nothing is known.
    int64_t known(const Prompt& prompt, bool mtp) const;
    /// Keeps what the state has at its position, a cut up to which it has run the prompt cut by cut. The prompt's own
    /// end is of use only where a longer prompt would be cut as well. False when it is not kept.
    bool offer(const SequenceState& state, const Prompt& prompt);
    void clear();

    const Options& options() const { return options_; }
    const Stats& stats() const { return stats_; }
    /// Throws Error(internal) if the entries do not hang together or their bytes are not those of stats().
    void audit() const;

private:
    struct Entry;
    struct Missing;
    using Path = std::vector<Entry*>;
    class Pin;

    void check(const SequenceState& state, const Prompt& prompt) const;
    TokenKey place(const TokenKey& key) const { return {key.a & options_.key_mask, key.b & options_.key_mask}; }
    Path path(const Prompt& prompt, int64_t until) const;
    Path usable(const Prompt& prompt, bool mtp) const;
    void keep(const SequenceState& state, const Prompt& prompt, Path& known);
    bool find_missing(const SequenceState& state, const Prompt& prompt, const Path& known, Missing& missing) const;
    bool make_room(uint64_t bytes, const Path& path, int64_t end);
    void drop_state(Entry& entry);
    void drop_unused(Entry* entry);
    void use(Entry& entry);
    void count();

    model::Context& context_;
    Options options_;
    PieceStore store_;
    std::map<TokenKey, std::unique_ptr<Entry>> entries_;
    std::list<Entry*> used_;  // those with a state, used last first
    Stats stats_;
};

}  // namespace rw::sequence
