// rewind bench --suite cache: what the prefix cache saves when a prompt comes again, changed a little.
#pragma once

#include "tools/cache_options.h"

namespace rw::tools {

struct CacheBench {
    ModelOptions model;
    CacheOptions cache;
    int64_t prompt = 4096;
    bool json = false;
};

/// Throws Error(internal) should an answer with the cache be another than without.
void run_cache_bench(const CacheBench& options);

}  // namespace rw::tools
