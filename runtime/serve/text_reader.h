// Tokens to the text that is shown: UTF-8 that only grows, without the end token, up to the first stop string.
//
// What could still become a stop string, or a character, is kept back until it is clear what it is.
#pragma once

#include "runtime/sample/stops.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::serve {

/// The bytes of tokens as readers get them. The tokenizer has to outlive it.
sample::Stops::Bytes shown_bytes(const tokenizer::Tokenizer& tokenizer);

class TextReader {
public:
    /// stops: as the engine has them.
    TextReader(const tokenizer::Tokenizer& tokenizer, const sample::Stops& stops)
        : gate_(stops, shown_bytes(tokenizer)) {}

    /// The text that is certain by now and was not before.
    std::string push(int32_t token) { return whole(gate_.push(token)); }
    /// What was kept back, when no more tokens come.
    std::string finish();

private:
    std::string whole(std::string bytes);

    sample::StopGate gate_;
    std::string begun_;  // a character that is not whole yet
};

/// Bytes at the end of `text` that are the beginning of `word`, not all of it.
size_t begun(const std::string& text, const std::string& word);

}  // namespace rw::serve
