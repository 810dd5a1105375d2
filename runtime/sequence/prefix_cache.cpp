#include "runtime/sequence/prefix_cache.h"

#include <algorithm>
#include <exception>

#include "runtime/clock.h"

namespace rw::sequence {

using Which = SequenceState::Which;

struct PrefixCache::Entry {
    TokenKey key;
    Entry* parent = nullptr;
    int64_t begin = 0, end = 0;
    std::vector<int32_t> tokens;      // of its segment
    PieceStore::Kept rows, state;     // state: none when it was dropped
    bool mtp_rows = false, mtp_state = false;
    int64_t children = 0;
    bool pinned = false;
    std::list<Entry*>::iterator used;  // while there is a state

    bool has_state() const { return state.bytes > 0; }
    /// With what it takes to find it, about.
    static uint64_t own_bytes(int64_t tokens) { return sizeof(Entry) + 64 + uint64_t(tokens) * sizeof(int32_t); }
    uint64_t bytes() const { return own_bytes(end - begin) + rows.bytes + state.bytes; }
};

/// Entries that stay, state or not, for as long as this lives.
class PrefixCache::Pin {
public:
    explicit Pin(const Path& path) : path_(path) { set(true); }
    ~Pin() { set(false); }

private:
    void set(bool pinned) {
        for (Entry* entry : path_) entry->pinned = pinned;
    }
    Path path_;
};

namespace {

using Pieces = std::vector<SequenceState::Piece>;

Pieces both(Pieces trunk, const Pieces& mtp) {
    trunk.insert(trunk.end(), mtp.begin(), mtp.end());
    return trunk;
}

/// The trunk's first, so that they can be had without those of the MTP block.
Pieces rows_of(const SequenceState& s, int64_t from, int64_t to, bool mtp) {
    return both(s.live_rows(Which::trunk, from, to), mtp ? s.live_rows(Which::mtp, from, to) : Pieces{});
}
Pieces state_of(const SequenceState& s, bool mtp) {
    return both(s.live_state(Which::trunk), mtp ? s.live_state(Which::mtp) : Pieces{});
}

}  // namespace

PrefixCache::PrefixCache(model::Context& context, const Options& options)
    : context_(context), options_(options), store_(context.device().shared_from_this(), options.where) {
    if (options.every < 0) throw Error(Status::invalid_argument, "prefix cache: states are kept every 1 token or more");
    stats_.budget = options.budget;
}

PrefixCache::~PrefixCache() = default;

void PrefixCache::check(const SequenceState& state, const Prompt& prompt) const {
    const auto that = [](bool ok, const char* text) {
        if (!ok) throw Error(Status::invalid_argument, std::string("prefix cache: ") + text);
    };
    that(&state.context() == &context_, "the state is one of another context");
    int64_t before = 0;
    for (const int64_t cut : prompt.cuts) {
        that(cut > before && cut <= int64_t(prompt.tokens.size()), "cuts ascend, within the prompt");
        before = cut;
    }
    that(state.pos() == 0 || std::binary_search(prompt.cuts.begin(), prompt.cuts.end(), state.pos()),
         "the state is not at a cut of the prompt");
}

/// The entries of the cuts up to `until`, as many from the first on as there are.
PrefixCache::Path PrefixCache::path(const Prompt& prompt, int64_t until) const {
    Path found;
    TokenKey key;
    int64_t at = 0;
    for (const int64_t cut : prompt.cuts) {
        if (cut > until) break;
        const auto segment = prompt.tokens.subspan(size_t(at), size_t(cut - at));
        key = key.after(segment);
        const auto entry = entries_.find(place(key));
        if (entry == entries_.end() || entry->second->parent != (found.empty() ? nullptr : found.back()) ||
            !std::ranges::equal(segment, entry->second->tokens))
            break;
        found.push_back(entry->second.get());
        at = cut;
    }
    return found;
}

void PrefixCache::use(Entry& entry) { used_.splice(used_.begin(), used_, entry.used); }

void PrefixCache::count() { stats_.entries = entries_.size(), stats_.states = used_.size(); }

/// The entries up to the last whose state can be gone on with.
PrefixCache::Path PrefixCache::usable(const Prompt& prompt, bool mtp) const {
    Path known = path(prompt, int64_t(prompt.tokens.size()) - 1);
    const auto blind = std::ranges::find_if(known, [&](const Entry* e) { return mtp && !e->mtp_rows; });
    known.erase(blind, known.end());
    while (!known.empty() && !(known.back()->has_state() && (!mtp || known.back()->mtp_state))) known.pop_back();
    return known;
}

int64_t PrefixCache::known(const Prompt& prompt, bool mtp) const {
    const Path found = usable(prompt, mtp);
    return found.empty() ? 0 : found.back()->end;
}

bool PrefixCache::restore(SequenceState& state, const Prompt& prompt, bool mtp) {
    if (options_.budget == 0 || state.rope_shift() != 0) return false;
    check(state, prompt);
    const Path known = usable(prompt, mtp);
    const int64_t from = mtp && !state.mtp_ready() ? 0 : state.pos();
    if (known.empty() || known.back()->end <= state.pos()) {
        if (state.pos() == 0) ++stats_.misses;
        return false;
    }
    Entry& last = *known.back();
    const double start = seconds_now();
    const int64_t before = state.pos();
    const Pin pin(known);
    try {
        state.adopt(last.end, mtp);
        for (const Entry* e : known)
            if (e->end > from) store_.put_back(e->rows, rows_of(state, e->begin, e->end, mtp));
        store_.put_back(last.state, state_of(state, mtp));
    } catch (const std::exception&) {
        ++stats_.failed;
        state.reset();
        return false;
    }
    use(last);
    ++stats_.hits, stats_.tokens += uint64_t(last.end - before);
    stats_.restore_seconds += seconds_now() - start;
    return true;
}

bool PrefixCache::offer(const SequenceState& state, const Prompt& prompt) {
    if (options_.budget == 0 || state.pos() == 0 || state.rope_shift() != 0) return false;  // tokens tell no picture
    check(state, prompt);
    const int64_t cut = state.pos(), chunk = context_.options().chunk;
    if (options_.every > 0 && cut % chunk == 0 && cut % options_.every != 0) return false;
    const double start = seconds_now();
    Path known = path(prompt, cut);
    try {
        const Pin pin(known);
        keep(state, prompt, known);
    } catch (const std::exception&) {
        ++stats_.failed;
    }
    const bool kept = !known.empty() && known.back()->end == cut && known.back()->has_state();
    if (!known.empty()) drop_unused(known.back());  // whose state may have made room for what did not come
    count();
    stats_.keep_seconds += seconds_now() - start;
    return kept;
}

/// What of a path is to be copied, and what that takes.
struct PrefixCache::Missing {
    Path rows;  // entries without the MTP block's
    std::vector<std::unique_ptr<Entry>> entries;
    bool state = false;
    uint64_t bytes = 0;
};

bool PrefixCache::find_missing(const SequenceState& state, const Prompt& prompt, const Path& known,
                               Missing& missing) const {
    const bool mtp = state.mtp_ready();
    for (Entry* e : known)
        if (mtp && !e->mtp_rows)
            missing.rows.push_back(e), missing.bytes += PieceStore::bytes(rows_of(state, e->begin, e->end, mtp));
    const Entry* const last = known.empty() ? nullptr : known.back();
    TokenKey key = last ? last->key : TokenKey{};
    for (int64_t at = last ? last->end : 0; at < state.pos(); at = missing.entries.back()->end) {
        auto entry = std::make_unique<Entry>();
        entry->begin = at, entry->end = *std::upper_bound(prompt.cuts.begin(), prompt.cuts.end(), at);
        const auto segment = prompt.tokens.subspan(size_t(at), size_t(entry->end - at));
        entry->key = key = key.after(segment);
        if (entries_.contains(place(key))) return false;
        entry->tokens.assign(segment.begin(), segment.end());
        entry->mtp_rows = mtp;
        missing.bytes += entry->bytes() + PieceStore::bytes(rows_of(state, at, entry->end, mtp));
        missing.entries.push_back(std::move(entry));
    }
    missing.state = !missing.entries.empty() || !last->has_state() || (mtp && !last->mtp_state);
    if (missing.state) missing.bytes += PieceStore::bytes(state_of(state, mtp));
    return true;
}

/// known: goes on with what was made. Throws with the entries as they were, but for what had to make room.
void PrefixCache::keep(const SequenceState& state, const Prompt& prompt, Path& known) {
    const bool mtp = state.mtp_ready();
    Missing missing;
    if (!find_missing(state, prompt, known, missing)) return;  // other tokens have the key
    if (missing.bytes == 0) return use(*known.back());
    if (!make_room(missing.bytes, known, state.pos())) {
        ++stats_.refused;
        return;
    }
    // All copies before anything changes.
    std::vector<PieceStore::Kept> more;
    for (const Entry* e : missing.rows) more.push_back(store_.keep(rows_of(state, e->begin, e->end, mtp)));
    for (const auto& e : missing.entries) e->rows = store_.keep(rows_of(state, e->begin, e->end, mtp));
    PieceStore::Kept copy;
    if (missing.state) copy = store_.keep(state_of(state, mtp));

    for (size_t i = 0; i < more.size(); ++i) {
        Entry& e = *missing.rows[i];
        stats_.bytes += more[i].bytes - e.rows.bytes;
        e.rows = std::move(more[i]), e.mtp_rows = true;
    }
    for (auto& e : missing.entries) {
        Entry& entry = *e;
        entry.parent = known.empty() ? nullptr : known.back();
        known.reserve(known.size() + 1);
        entries_.emplace(place(entry.key), std::move(e));
        known.push_back(&entry);
        stats_.bytes += entry.bytes();
        if (entry.parent) ++entry.parent->children;
    }
    if (!missing.state) return;
    Entry& end = *known.back();
    if (!end.has_state()) used_.push_front(&end), end.used = used_.begin();
    stats_.bytes += copy.bytes - end.state.bytes;
    end.state = std::move(copy), end.mtp_state = mtp;
    use(end);
}

/// Beside the rows of the path they belong to, and the state at its end. The path is pinned.
bool PrefixCache::make_room(uint64_t bytes, const Path& path, int64_t end) {
    const auto stays = [&](const Entry& e) { return e.pinned && e.end == end; };
    uint64_t standing = bytes;
    for (const Entry* e : path) standing += e->bytes() - (stays(*e) ? 0 : e->state.bytes);
    if (standing > options_.budget) return false;
    while (stats_.bytes > options_.budget - bytes) {
        auto last = used_.rbegin();
        while (stays(**last)) ++last;
        ++stats_.evicted;
        drop_state(**last);
    }
    return true;
}

void PrefixCache::drop_state(Entry& entry) {
    used_.erase(entry.used);
    stats_.bytes -= entry.state.bytes;
    entry.state = {}, entry.mtp_state = false;
    drop_unused(&entry);
}

/// The entry and those on its way that nothing stands on and nothing can be restored from.
void PrefixCache::drop_unused(Entry* entry) {
    while (entry && !entry->has_state() && entry->children == 0 && !entry->pinned) {
        Entry* const parent = entry->parent;
        stats_.bytes -= entry->bytes();
        entries_.erase(place(entry->key));
        if (parent) --parent->children;
        entry = parent;
    }
}

void PrefixCache::clear() {
    used_.clear(), entries_.clear();
    stats_.bytes = 0;
    count();
}

void PrefixCache::audit() const {
    const auto that = [](bool ok, const char* text) {
        if (!ok) throw Error(Status::internal, std::string("prefix cache: ") + text);
    };
    uint64_t bytes = 0, states = 0;
    std::map<const Entry*, int64_t> children;
    for (const auto& [key, e] : entries_) {
        bytes += e->bytes(), states += e->has_state();
        that(key == place(e->key) && !e->pinned, "an entry is not where it belongs");
        that(e->begin == (e->parent ? e->parent->end : 0) && int64_t(e->tokens.size()) == e->end - e->begin,
             "a segment does not follow the one before");
        that(e->has_state() || e->children > 0, "an entry is of no use");
        that(!e->mtp_rows || !e->parent || e->parent->mtp_rows, "rows of the MTP block follow none");
        if (e->parent) ++children[e->parent];
    }
    for (const auto& [key, e] : entries_) that(children[e.get()] == e->children, "an entry has other children");
    for (auto it = used_.begin(); it != used_.end(); ++it)
        that((*it)->has_state() && (*it)->used == it, "a state is not in its place");
    that(states == used_.size() && states == stats_.states && entries_.size() == stats_.entries, "states were lost");
    that(bytes == stats_.bytes && bytes <= stats_.budget, "bytes were lost");
}

}  // namespace rw::sequence
