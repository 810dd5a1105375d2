#include "runtime/tokenizer/literals.h"

#include <algorithm>

namespace rw::tokenizer {

Literals::Literals(const Vocabulary& vocabulary) {
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        const Token token = Token(i);
        const TokenType type = vocabulary.type(token);
        const bool control = type == TokenType::control || type == TokenType::unknown;
        if (!control && type != TokenType::user_defined) continue;
        entries_.push_back({vocabulary.bytes(token), token, control});
        starts_.set(uint8_t(entries_.back().text.front()));
    }
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
}

std::optional<Literals::Found> Literals::find(std::string_view text, size_t from, bool control) const {
    for (size_t at = from; at < text.size(); ++at) {
        if (!starts_[uint8_t(text[at])]) continue;
        if (const Entry* e = longest_at(text.substr(at), control)) return Found{at, e->text.size(), e->token};
    }
    return std::nullopt;
}

/// Narrows the entries byte by byte to those that the text goes on with: no further than the longest token is.
const Literals::Entry* Literals::longest_at(std::string_view text, bool control) const {
    auto begin = entries_.begin(), end = entries_.end();
    const Entry* best = nullptr;
    for (size_t n = 0; n < text.size() && begin != end; ++n) {
        const auto byte_of = [n](const Entry& e) { return n < e.text.size() ? int(uint8_t(e.text[n])) : -1; };
        const int byte = uint8_t(text[n]);
        begin = std::lower_bound(begin, end, byte, [&](const Entry& e, int b) { return byte_of(e) < b; });
        end = std::upper_bound(begin, end, byte, [&](int b, const Entry& e) { return b < byte_of(e); });
        if (begin != end && begin->text.size() == n + 1 && (control || !begin->control)) best = &*begin;
    }
    return best;
}

}  // namespace rw::tokenizer
