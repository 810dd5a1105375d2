#include "runtime/grammar/token_trie.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::grammar {

namespace {

std::vector<std::string> texts(const tokenizer::Vocabulary& vocabulary) {
    using tokenizer::TokenType;
    std::vector<std::string> texts(vocabulary.size());
    for (int32_t t = 0; size_t(t) < texts.size(); ++t) {
        const TokenType type = vocabulary.type(t);
        if (type == TokenType::control || type == TokenType::unused || type == TokenType::unknown) continue;
        texts[size_t(t)] = vocabulary.bytes(t);
    }
    return texts;
}

}  // namespace

TokenTrie::TokenTrie(const tokenizer::Vocabulary& vocabulary) : TokenTrie(texts(vocabulary), vocabulary.ends()) {}

TokenTrie::TokenTrie(std::vector<std::string> bytes_of, std::vector<int32_t> ends_of)
    : bytes_(std::move(bytes_of)), ends_(std::move(ends_of)) {
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    if (ends_.empty())
        throw Error(Status::unsupported, "the vocabulary has no token that ends a text, and a grammar could not let one end");
    for (int32_t t = 0; size_t(t) < bytes_.size(); ++t) {
        if (ends(t) || bytes(t).size() > UINT16_MAX) bytes_[size_t(t)].clear();
        if (bytes(t).empty()) continue;
        tokens_.push_back(t);
        longest_ = std::max(longest_, bytes(t).size());
    }
    std::stable_sort(tokens_.begin(), tokens_.end(), [&](int32_t a, int32_t b) { return bytes(a) < bytes(b); });

    std::vector<uint32_t> open;  // nodes on the way to the token before
    const auto close = [&](size_t depth) {
        for (; open.size() > depth; open.pop_back()) nodes_[open.back()].skip = uint32_t(nodes_.size());
    };
    std::string_view before;
    for (uint32_t i = 0; i < tokens_.size(); ++i) {
        const std::string_view now = bytes(tokens_[i]);
        size_t same = 0;
        while (same < before.size() && same < now.size() && before[same] == now[same]) ++same;
        close(same);
        for (; same < now.size(); ++same) {
            open.push_back(uint32_t(nodes_.size()));
            nodes_.push_back({0, i, uint16_t(same + 1), uint8_t(now[same])});
        }
        before = now;
    }
    close(0);
    nodes_.push_back({uint32_t(nodes_.size()), uint32_t(tokens_.size()), 0, 0});
}

bool TokenTrie::ends(int32_t token) const { return std::binary_search(ends_.begin(), ends_.end(), token); }

}  // namespace rw::grammar
