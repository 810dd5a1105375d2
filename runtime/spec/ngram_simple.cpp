#include "runtime/spec/ngram_simple.h"

#include <fmt/format.h>

namespace rw::spec {

NgramSimple::NgramSimple(int n) : n_(n) {
    if (n < 1) throw Error(Status::invalid_argument, fmt::format("ngram-simple: n is {}, at least 1 is expected", n));
}

void NgramSimple::begin(const Known& known) {
    places_[known.id] = {};
    observe(known);
}

void NgramSimple::observe(const Known& known) {
    Places& places = places_[known.id];
    visit_ngrams(known, n_, places.seen, [&](uint64_t key, size_t i) { places.after[key] = uint32_t(i); });
    places.seen = known.size();
}

void NgramSimple::draft(std::span<DraftJob> jobs) {
    for (DraftJob& job : jobs) {
        const size_t size = job.known.size(), n = size_t(n_);
        const auto places = places_.find(job.known.id);
        if (places == places_.end() || size < n + 1) continue;
        NgramHash hash(n_);
        hash.start(job.known, size);
        const auto found = places->second.after.find(hash.key());
        if (found == places->second.after.end()) continue;
        size_t from = found->second;
        bool same = true;
        for (size_t i = 0; i < n && same; ++i) same = job.known[from - n + i] == job.known[size - n + i];
        if (!same) continue;
        Window window(job.known);
        for (int i = 0; i < job.most; ++i, ++from) {
            job.chain.push_back({window[from], 1});
            window.push(job.chain.back().token);
        }
    }
}

uint64_t NgramSimple::bytes() const {
    uint64_t entries = 0;
    for (const auto& [id, places] : places_) entries += places.after.size();
    return entries * (sizeof(std::pair<uint64_t, uint32_t>) + 2 * sizeof(void*));
}

}  // namespace rw::spec
