#include "runtime/tokenizer/tokenizer.h"

#include "runtime/tokenizer/merger.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::tokenizer {

std::vector<Token> Tokenizer::encode(std::string_view text, Encoding how) const {
    std::vector<Token> out;
    Merger merger(vocabulary_);
    const auto append = [&](std::string_view plain) {
        for (size_t at = 0; at < plain.size();) {
            const size_t end = piece_end(vocabulary_.rules(), plain, at);
            merger.append(plain.substr(at, end - at), out);
            at = end;
        }
    };
    for (size_t at = 0; at < text.size();) {
        const auto found = literals_.find(text, at, how.control);
        const std::string_view plain = text.substr(at, found ? found->at - at : text.npos);
        if (how.composed) append(tokenizer::composed(plain));
        else append(plain);
        if (!found) break;
        out.push_back(found->token);
        at = found->at + found->bytes;
    }
    return out;
}

std::string Tokenizer::decode(std::span<const Token> tokens, bool control) const {
    std::string out;
    for (const Token token : tokens) out += piece(token, control);
    return out;
}

std::string_view Tokenizer::piece(Token token, bool control) const {
    const std::string_view bytes = vocabulary_.bytes(token);
    return control || vocabulary_.type(token) != TokenType::control ? bytes : std::string_view();
}

}  // namespace rw::tokenizer
