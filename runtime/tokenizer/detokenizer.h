// Tokens to text while they come. What push() returns ends at a character's end: bytes that could still become a
// character are kept until they have, or until it is clear that they will not.
#pragma once

#include "runtime/tokenizer/tokenizer.h"

namespace rw::tokenizer {

class Detokenizer {
public:
    enum class Invalid {
        keep,     // the texts put together are what decode() gives, byte for byte
        replace,  // each ill-formed sequence becomes U+FFFD: the texts are UTF-8 whatever the tokens were
    };

    /// The tokenizer has to outlive it.
    explicit Detokenizer(const Tokenizer& tokenizer, bool control = false, Invalid invalid = Invalid::keep)
        : tokenizer_(tokenizer), control_(control), invalid_(invalid) {}

    /// Throws Error(range) for a token that does not exist, and is as it was before.
    std::string push(Token token) { return push(tokenizer_.piece(token, control_)); }
    /// The bytes of tokens, where something was done to them first.
    std::string push(std::string_view bytes);
    /// What is kept, for the end of the text.
    std::string finish();

private:
    std::string shown(std::string text) const;

    const Tokenizer& tokenizer_;
    bool control_;
    Invalid invalid_;
    std::string kept_;  // three bytes at most
};

}  // namespace rw::tokenizer
