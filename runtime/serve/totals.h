// What the server has done since it started: what /metrics shows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/sequence/prefix_cache.h"

namespace rw::serve {

struct Totals {
    std::map<std::string, int64_t> ended;  // requests, by how they ended
    int64_t refused = 0;                   // because too many were waiting
    int64_t prompt_tokens = 0, cached_tokens = 0, predicted_tokens = 0;
    int64_t cache_hits = 0;                // requests that found part of their prompt
    double prompt_seconds = 0, predicted_seconds = 0;
    int64_t steps = 0, rounds = 0;         // calls of the engine; rounds summed over sequences
    int64_t drafts = 0, draft_tokens = 0, accepted_tokens = 0;
    std::vector<int64_t> accepted_by_place;
    double draft_seconds = 0, verify_seconds = 0, rollback_seconds = 0;
    int64_t recomputed_tokens = 0;         // that going back had to compute again
    int64_t faults = 0;                    // steps that threw
    sequence::PrefixCache::Stats cache;
};

}  // namespace rw::serve
