#include "runtime/spec/ngram_mod.h"

#include <fmt/format.h>

#include <bit>

namespace rw::spec {

NgramMod::NgramMod(Options options) : options_(options) {
    if (options.n < 1)
        throw Error(Status::invalid_argument, fmt::format("ngram-mod: n is {}, at least 1 is expected", options.n));
    if (!std::has_single_bit(options.entries) || options.entries > 1u << 28)
        throw Error(Status::invalid_argument,
                    fmt::format("ngram-mod: {} entries, a power of two up to 2^28 is expected", options.entries));
    table_.resize(options.entries);
}

void NgramMod::begin(const Known& known) {
    cursors_[known.id] = {};
    observe(known);
}

void NgramMod::observe(const Known& known) {
    Cursor& cursor = cursors_[known.id];
    visit_ngrams(known, options_.n, cursor.seen,
                 [&](uint64_t key, size_t i) { at(key) = {known[i], check(key), age_}; });
    cursor.seen = known.size();
}

void NgramMod::draft(std::span<DraftJob> jobs) {
    for (DraftJob& job : jobs) {
        const auto cursor = cursors_.find(job.known.id);
        if (cursor == cursors_.end() || job.known.size() < size_t(options_.n)) continue;
        cursor->second.used.clear();
        Window window(job.known);
        NgramHash hash(options_.n);
        hash.start(window, window.size());
        while (int(job.chain.size()) < job.most) {
            const Entry& entry = at(hash.key());
            if (!live(entry, hash.key())) break;
            cursor->second.used.push_back(hash.key());
            job.chain.push_back({entry.token, 1});
            hash.move(window[window.size() - size_t(options_.n)], entry.token);
            window.push(entry.token);
        }
    }
}

void NgramMod::accept(const Known& known, int drafted, int accepted) {
    const auto found = cursors_.find(known.id);
    if (found == cursors_.end()) return;
    Cursor& cursor = found->second;
    for (size_t i = 0; i < std::min(cursor.used.size(), size_t(accepted)); ++i)
        if (Entry& entry = at(cursor.used[i]); live(entry, cursor.used[i])) entry.age = age_;
    cursor.poor = 2 * accepted < drafted ? cursor.poor + 1 : 0;
    if (cursor.poor < 3) return;
    cursor.poor = 0, cursor.seen = 0;  // the next observe() writes all of the sequence
    grow_older();
}

void NgramMod::grow_older() {
    ++age_;
    // Ages go round after 2^16: what is about to seem young again is forgotten, a stretch of the table at a time.
    if (age_ % (1u << 14) != 0) return;
    for (Entry& entry : table_)
        if (uint16_t(age_ - entry.age) >= kAges) entry.token = -1;
}

}  // namespace rw::spec
