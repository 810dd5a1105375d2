// Tokens to the text that is shown: UTF-8 that only grows, without the end token, up to the first stop string.
//
// What could still become a stop string is kept back until it is clear that it does not.
#pragma once

#include "runtime/tokenizer/detokenizer.h"

namespace rw::serve {

class TextReader {
public:
    /// ends: tokens that end the text and are no part of what is shown.
    TextReader(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> stops, std::vector<int32_t> ends);

    /// The text that is certain by now and was not before.
    std::string push(int32_t token);
    /// What was kept back, when no more tokens come.
    std::string finish();
    /// The stop string that was met, and none when there was none.
    const std::string& stop() const { return stop_; }
    bool stopped() const { return !stop_.empty(); }

private:
    std::string certain();

    tokenizer::Detokenizer detokenizer_;
    std::vector<std::string> stops_;
    std::vector<int32_t> ends_;
    std::string kept_, stop_;
};

/// Bytes at the end of `text` that are the beginning of `word`, not all of it.
size_t begun(const std::string& text, const std::string& word);

}  // namespace rw::serve
