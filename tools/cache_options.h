// Options of the prefix cache, for verbs that run many prompts, and making it.
#pragma once

#include "runtime/sequence/prefix_cache.h"
#include "tools/model_options.h"

namespace rw::tools {

struct CacheOptions {
    double gib = 1;
    std::string where = "host";
    int64_t every = 0;  // 0: the model's chunk

    void add_to(CLI::App& verb);
    /// Before the model is opened: cuts closer to each other than --chunk are chunks of that size.
    void apply(ModelOptions& model) const;
    sequence::PrefixCache::Options options() const;
};

}  // namespace rw::tools
