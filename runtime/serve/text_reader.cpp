#include "runtime/serve/text_reader.h"

#include <algorithm>

#include "runtime/tokenizer/unicode.h"

namespace rw::serve {

size_t begun(const std::string& text, const std::string& word) {
    for (size_t n = std::min(text.size(), word.size() - 1); n > 0; --n)
        if (text.compare(text.size() - n, n, word, 0, n) == 0) return n;
    return 0;
}

sample::Stops::Bytes shown_bytes(const tokenizer::Tokenizer& tokenizer) {
    return [&tokenizer](int32_t token) { return tokenizer.piece(token); };
}

std::string TextReader::whole(std::string bytes) {
    begun_ += bytes;
    const size_t n = begun_.size() - tokenizer::unfinished_tail(begun_);
    std::string text = tokenizer::well_formed(std::string_view(begun_).substr(0, n));
    begun_.erase(0, n);
    return text;
}

std::string TextReader::finish() {
    std::string text = whole(gate_.finish());
    text += tokenizer::well_formed(begun_);
    begun_.clear();
    return text;
}

}  // namespace rw::serve
