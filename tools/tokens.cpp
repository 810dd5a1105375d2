#include "tools/tokens.h"

#include <charconv>

#include "runtime/gguf/text.h"

namespace rw::tools {

std::vector<tokenizer::Token> read_tokens(std::string_view text) {
    constexpr char between[] = " \t\r\n,;[]";
    std::vector<tokenizer::Token> out;
    for (size_t at = text.find_first_not_of(between); at < text.size(); at = text.find_first_not_of(between, at)) {
        const std::string_view word = text.substr(at, text.find_first_of(between, at) - at);
        tokenizer::Token id;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (error != std::errc() || end != word.data() + word.size())
            throw Error(Status::invalid_argument, gguf::printable(word) + " is not a token: numbers with commas or blanks between them are expected");
        out.push_back(id);
        at += word.size();
    }
    return out;
}

}  // namespace rw::tools
