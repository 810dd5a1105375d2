#include "runtime/spec/same_vocabulary.h"

#include <fmt/format.h>

#include "runtime/gguf/text.h"
#include "runtime/tokenizer/vocabulary.h"

namespace rw::spec {
namespace {

using tokenizer::TokenType;
using tokenizer::Vocabulary;

[[noreturn]] void refuse(const model::Model& drafting, const std::string& difference) {
    throw Error(Status::invalid_argument,
                fmt::format("{}: {}; the drafting model needs the very tokens of the model that it drafts for",
                            drafting.file().name(), difference));
}

std::string described(const Vocabulary& v, int32_t token) {
    constexpr const char* names[] = {"normal", "unknown", "control", "user-defined", "unused", "byte"};
    return fmt::format("\"{}\" ({})", gguf::printable(v.bytes(token), 40), names[size_t(v.type(token)) - 1]);
}

}  // namespace

void check_same_vocabulary(const model::Model& model, const model::Model& drafting) {
    const auto has = [](const model::Model& m) { return m.file().metadata().has("tokenizer.ggml.tokens"); };
    if (!has(model) || !has(drafting)) {
        const uint32_t a = model.geometry().vocab, b = drafting.geometry().vocab;
        if (a != b) refuse(drafting, fmt::format("it has {} tokens, the model {}, and not both files name theirs", b, a));
        return;
    }
    const Vocabulary ours(model.file()), theirs(drafting.file());
    const size_t both = std::min(ours.size(), theirs.size());
    for (size_t i = 0; i < both; ++i) {
        const auto token = int32_t(i);
        if (ours.bytes(token) != theirs.bytes(token) || ours.type(token) != theirs.type(token))
            refuse(drafting, fmt::format("its token {} is {}, the model's {}", i, described(theirs, token),
                                         described(ours, token)));
    }
    const Vocabulary& longer = ours.size() > both ? ours : theirs;
    for (size_t i = both; i < longer.size(); ++i)
        if (longer.type(int32_t(i)) != TokenType::unused)
            refuse(drafting, fmt::format("token {}, {}, is one that {} alone has", i, described(longer, int32_t(i)),
                                         &longer == &ours ? "the model" : "it"));
}

}  // namespace rw::spec
