#include "runtime/model/options.h"

#include <fmt/format.h>

namespace rw::model {

void check_options(const Options& options, const gguf::Geometry& geometry) {
    const PoolShape& p = options.pools;
    const auto that = [](bool ok, const char* text) {
        if (!ok) throw Error(Status::invalid_argument, std::string("context: ") + text);
    };
    that(p.sequences >= 1 && p.context >= 1 && options.chunk >= 1,
         "sequences, positions and prompt tokens of a call are 1 or more");
    that(p.most_exact >= 1 && p.most_exact <= 65, "an exact call has 1 to 65 tokens of a sequence");
    that(p.W == 4 || p.W == 8 || p.W == 16 || p.W == 32 || p.W == 64, "a block has 4, 8, 16, 32 or 64 positions");
    that(p.kv == Type::f16 || p.kv == Type::q8_0 || p.kv == Type::f32, "the KV cache is f16, q8_0 or f32");
    for (const uint32_t D : {geometry.key_length, geometry.value_length})
        if (D % info(p.kv).block)
            throw Error(Status::unsupported,
                        fmt::format("context: a {} KV cache is made of blocks of {}, and the model's heads have {} "
                                    "elements; take an f16 KV cache",
                                    name_of(p.kv), info(p.kv).block, D));
    that(options.top >= 1 && options.top <= std::min<int64_t>(64, geometry.vocab),
         "1 to 64 candidates of a row are kept");
    if (options.draft_vocab < 0 || options.draft_vocab > geometry.vocab)
        throw Error(Status::invalid_argument,
                    fmt::format("context: {} tokens that may be drafted: the model has {}; 0 means all", options.draft_vocab,
                                geometry.vocab));
}

}  // namespace rw::model
