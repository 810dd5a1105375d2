#include "tools/cache_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace rw::tools {

void CacheOptions::add_to(CLI::App& verb) {
    verb.add_option("--cache-memory", gib, "GiB that the beginnings of prompts may take; 0 keeps none")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e6));
    verb.add_option("--cache-in", where, "Whose memory that is: the host's or the device's")
        ->capture_default_str()
        ->check(CLI::IsMember({"host", "device"}));
    verb.add_option("--cache-every", every,
                    "Prompts can be gone on with at multiples of so many tokens, and where messages begin; --chunk by "
                    "default, less makes chunks of that size")
        ->check(CLI::Range(1, 1 << 30));
}

void CacheOptions::apply(ModelOptions& model) const {
    if (every == 0) return;
    if (every > model.chunk && every % model.chunk != 0)
        throw Error(Status::invalid_argument,
                    fmt::format("--cache-every {}: at most --chunk ({}), or a multiple of it, is expected", every, model.chunk));
    model.chunk = std::min(model.chunk, every);
}

sequence::PrefixCache::Options CacheOptions::options() const {
    using sequence::PieceStore;
    return {.budget = uint64_t(gib * (1 << 30)),
            .where = where == "device" ? PieceStore::Where::device : PieceStore::Where::host,
            .every = every};
}

}  // namespace rw::tools
