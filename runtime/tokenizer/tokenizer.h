// Text to tokens and back: byte-level byte-pair encoding with the pre-tokenizers of the family.
//
//     const gguf::File file("model.gguf");
//     const tokenizer::Tokenizer tokens(file);            // copies what it needs: the file may be closed
//     const auto ids = tokens.encode("Hello world");
//     tokens.decode(ids);                                 // the very bytes that were encoded
//
// Any bytes can be encoded, UTF-8 or not, and come back as they were. Const and without state: threads may share one.
#pragma once

#include <span>

#include "runtime/tokenizer/literals.h"

namespace rw::tokenizer {

struct Encoding {
    /// Whether control tokens are recognised when the text spells them. Never for text of others: it could end its own turn.
    bool control = false;
    /// Normalisation form C first, as the family's models were trained. Decoding then gives the normalised text.
    bool composed = false;
};

class Tokenizer {
public:
    explicit Tokenizer(const gguf::File& file) : vocabulary_(file), literals_(vocabulary_) {}
    Tokenizer(const Tokenizer&) = delete;

    const Vocabulary& vocabulary() const { return vocabulary_; }
    std::vector<Token> encode(std::string_view text, Encoding how = {}) const;
    /// Control tokens are left out unless they are asked for. Throws Error(range) for a token that does not exist.
    std::string decode(std::span<const Token> tokens, bool control = false) const;
    /// The same for one token. Bytes of a character may be spread over tokens: see Detokenizer for text in pieces.
    std::string_view piece(Token token, bool control = false) const;

private:
    Vocabulary vocabulary_;
    Literals literals_;
};

}  // namespace rw::tokenizer
