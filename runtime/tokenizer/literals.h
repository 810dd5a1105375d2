// Tokens that are written out in a text, like <|im_end|>: they are found before anything else is done to it.
#pragma once

#include <bitset>
#include <optional>

#include "runtime/tokenizer/vocabulary.h"

namespace rw::tokenizer {

class Literals {
public:
    struct Found {
        size_t at, bytes;
        Token token;
    };

    explicit Literals(const Vocabulary& vocabulary);
    /// The first one from byte `from` on; of those that start there the longest. User-defined tokens always count,
    /// control and unknown tokens when `control` is set.
    std::optional<Found> find(std::string_view text, size_t from, bool control) const;

private:
    struct Entry {
        std::string_view text;  // of the vocabulary
        Token token;
        bool control;
    };
    const Entry* longest_at(std::string_view text, bool control) const;

    std::vector<Entry> entries_;  // sorted by text
    std::bitset<256> starts_;     // first bytes
};

}  // namespace rw::tokenizer
