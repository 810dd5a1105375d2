// The tokens of a vocabulary that are text, ordered by their bytes: what begins the same is looked at once. Made once for a
// tokenizer and shared; a few bytes a byte of the vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/tokenizer/vocabulary.h"

namespace rw::grammar {

class TokenTrie {
public:
    /// Throws Error(unsupported) for a vocabulary without a token that ends a text.
    explicit TokenTrie(const tokenizer::Vocabulary& vocabulary);
    /// The bytes of each token, empty for what is no text; and the tokens that end one, which are none.
    TokenTrie(std::vector<std::string> bytes, std::vector<int32_t> ends);

    /// A beginning of tokens. All that go on from it stand behind it, up to `skip`.
    struct Node {
        uint32_t skip;
        uint32_t first;  // of its tokens in tokens(); those end where the next node's begin
        uint16_t depth;  // bytes, from 1
        uint8_t byte;    // the last of them
    };
    /// In the order of their bytes.
    std::span<const Node> nodes() const { return {nodes_.data(), nodes_.size() - 1}; }
    std::span<const int32_t> tokens_at(uint32_t node) const {
        return {tokens_.data() + nodes_[node].first, tokens_.data() + nodes_[node + 1].first};
    }
    /// How many tokens the vocabulary has, text or not.
    size_t size() const { return bytes_.size(); }
    size_t longest() const { return longest_; }
    /// Empty for what is no text: control tokens, unused ones, ends.
    const std::string& bytes(int32_t token) const { return bytes_[size_t(token)]; }
    const std::vector<int32_t>& ends() const { return ends_; }
    bool ends(int32_t token) const;

private:
    std::vector<Node> nodes_;  // and one behind the last
    std::vector<int32_t> tokens_;
    std::vector<std::string> bytes_;
    std::vector<int32_t> ends_;
    size_t longest_ = 0;
};

}  // namespace rw::grammar
