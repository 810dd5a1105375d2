#include "tools/tokens.h"

#include <charconv>

#include "runtime/gguf/text.h"

namespace rw::tools {

std::vector<tokenizer::Token> read_tokens(std::string_view text) {
    constexpr char blanks[] = " \t\r\n[]", between[] = " \t\r\n[],;";
    const auto refuse = [](const std::string& why) {
        throw Error(Status::invalid_argument,
                    why + ": numbers with one comma, or with blanks, between them are expected");
    };
    if (text.starts_with('=')) text.remove_prefix(1);  // -t=1,2: of a short option the sign belongs to the value
    std::vector<tokenizer::Token> out;
    bool comma = false;
    for (size_t at = text.find_first_not_of(blanks); at < text.size(); at = text.find_first_not_of(blanks, at)) {
        if (text[at] == ',' || text[at] == ';') {
            if (comma || out.empty()) refuse("there is no token before a comma");
            comma = true, ++at;
            continue;
        }
        const std::string_view word = text.substr(at, text.find_first_of(between, at) - at);
        tokenizer::Token id;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (error == std::errc::result_out_of_range) refuse(gguf::printable(word) + " is no vocabulary's token");
        if (error != std::errc() || end != word.data() + word.size()) refuse(gguf::printable(word) + " is not a token");
        out.push_back(id);
        comma = false, at += word.size();
    }
    if (comma) refuse("there is no token behind the last comma");
    return out;
}

}  // namespace rw::tools
