// The tokens of a model and the merges between them, out of the metadata of its file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/gguf/file.h"
#include "runtime/tokenizer/split.h"

namespace rw::tokenizer {

using Token = int32_t;

/// As files number them.
enum class TokenType : uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

class Vocabulary {
public:
    /// Copies what it needs. Throws Error(invalid_argument) for a vocabulary that is missing or not sound.
    explicit Vocabulary(const gguf::File& file);

    size_t size() const { return types_.size(); }
    Rules rules() const { return rules_; }
    /// What the token stands for in a text. Throws Error(range) for a token that does not exist, as type() does.
    std::string_view bytes(Token token) const;
    TokenType type(Token token) const;
    /// The token of one byte.
    Token of_byte(uint8_t byte) const { return of_byte_[byte]; }
    /// The control token that is written so.
    std::optional<Token> control(std::string_view text) const;
    /// Whether a text is over where this token is drawn.
    bool ends(Token token) const;
    /// All such tokens.
    const std::vector<Token>& ends() const { return ends_; }

    struct Merge {
        uint32_t rank;  // lower is earlier
        Token whole;
    };
    /// Null when the two do not merge.
    const Merge* merge(Token left, Token right) const;

private:
    void read_tokens(const gguf::Metadata& metadata);
    void read_merges(const gguf::Metadata& metadata);
    void read_ends(const gguf::Metadata& metadata);
    size_t checked(Token token) const;

    Rules rules_ = Rules::qwen35;
    std::string text_;  // of all tokens, one after the other
    std::vector<uint32_t> starts_;
    std::vector<TokenType> types_;
    std::array<Token, 256> of_byte_{};
    std::vector<std::pair<std::string, Token>> controls_;  // sorted
    std::vector<Token> ends_;                              // sorted

    // Merges by their left token: those of token t are [first_[t], first_[t + 1]), sorted by the right one.
    std::vector<uint32_t> first_;
    std::vector<Token> rights_;
    std::vector<Merge> merges_;
};

}  // namespace rw::tokenizer
