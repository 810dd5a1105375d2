#include "runtime/spec/ngram_map.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::spec {

NgramMap::NgramMap(Options options) : options_(options) {
    if (options.n < 1 || options.min_hits < 1)
        throw Error(Status::invalid_argument, fmt::format("ngram-map: n is {} and min_hits {}, at least 1 is expected",
                                                          options.n, options.min_hits));
}

void NgramMap::Entry::add(int32_t token) {
    ++hits;
    Follower* rarest = &followers[0];
    for (Follower& f : followers) {
        if (f.count > 0 && f.token == token) {
            ++f.count;
            return;
        }
        if (f.count < rarest->count) rarest = &f;
    }
    if (rarest->count == 0) *rarest = {token, 1};
    else --rarest->count;
}

const NgramMap::Follower* NgramMap::majority(const Entry& entry) const {
    if (entry.hits < uint32_t(options_.min_hits)) return nullptr;
    const auto best = std::max_element(entry.followers.begin(), entry.followers.end(),
                                       [](const Follower& a, const Follower& b) { return a.count < b.count; });
    return 2 * uint64_t(best->count) > entry.hits ? &*best : nullptr;
}

void NgramMap::begin(const Known& known) {
    maps_[known.id] = {};
    observe(known);
}

void NgramMap::observe(const Known& known) {
    Map& map = maps_[known.id];
    visit_ngrams(known, options_.n, map.seen, [&](uint64_t key, size_t i) { map.entries[key].add(known[i]); });
    map.seen = known.size();
}

void NgramMap::draft(std::span<DraftJob> jobs) {
    for (DraftJob& job : jobs) {
        const auto map = maps_.find(job.known.id);
        if (map == maps_.end() || job.known.size() < size_t(options_.n)) continue;
        Window window(job.known);
        NgramHash hash(options_.n);
        hash.start(window, window.size());
        map->second.drafted_at = hash.key();
        size_t most = size_t(job.most);
        while (job.chain.size() < most) {
            const auto entry = map->second.entries.find(hash.key());
            if (entry == map->second.entries.end()) break;
            const Follower* next = majority(entry->second);
            if (!next) break;
            if (job.chain.empty()) most = std::min<size_t>(most, entry->second.cap);
            job.chain.push_back({next->token, float(next->count) / float(entry->second.hits)});
            hash.move(window[window.size() - size_t(options_.n)], next->token);
            window.push(next->token);
        }
    }
}

void NgramMap::accept(const Known& known, int drafted, int accepted) {
    const auto map = maps_.find(known.id);
    if (map == maps_.end()) return;
    const auto entry = map->second.entries.find(map->second.drafted_at);
    if (entry == map->second.entries.end()) return;
    uint32_t& cap = entry->second.cap;
    cap = accepted == drafted ? std::min(cap + (cap + 1) / 2, kMostDraft) : uint32_t(accepted) + 1;
}

uint64_t NgramMap::bytes() const {
    uint64_t entries = 0;
    for (const auto& [id, map] : maps_) entries += map.entries.size();
    return entries * (sizeof(std::pair<uint64_t, Entry>) + 2 * sizeof(void*));
}

}  // namespace rw::spec
