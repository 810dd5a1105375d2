#include "runtime/tokenizer/merger.h"

#include <algorithm>
#include <functional>

namespace rw::tokenizer {
namespace {
constexpr uint32_t nowhere = ~0u;
}

void Merger::append(std::string_view piece, std::vector<Token>& out) {
    if (piece.size() >= nowhere) throw Error(Status::invalid_argument, "a piece of more than 4 GiB without a space");
    const uint32_t n = uint32_t(piece.size());
    symbols_.clear();
    heap_.clear();
    for (uint32_t i = 0; i < n; ++i)
        symbols_.push_back({vocabulary_.of_byte(uint8_t(piece[i])), i ? i - 1 : nowhere, i + 1 < n ? i + 1 : nowhere});
    for (uint32_t i = 0; i + 1 < n; ++i) consider(i, i + 1);
    while (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
        const Pair pair = heap_.back();
        heap_.pop_back();
        const Symbol& left = symbols_[pair.left];
        const bool stands = left.token == pair.tokens[0] && left.after == pair.right && symbols_[pair.right].token == pair.tokens[1];
        if (stands) join(pair);
    }
    for (uint32_t i = 0; i < n; i = symbols_[i].after) out.push_back(symbols_[i].token);
}

void Merger::consider(uint32_t left, uint32_t right) {
    const Token a = symbols_[left].token, b = symbols_[right].token;
    const Vocabulary::Merge* merge = vocabulary_.merge(a, b);
    if (!merge) return;
    heap_.push_back({merge->rank, left, right, {a, b}, merge->whole});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void Merger::join(const Pair& pair) {
    Symbol& left = symbols_[pair.left];
    Symbol& right = symbols_[pair.right];
    left.token = pair.whole;
    left.after = right.after;
    right.token = -1;
    if (left.after != nowhere) {
        symbols_[left.after].before = pair.left;
        consider(pair.left, left.after);
    }
    if (left.before != nowhere) consider(left.before, pair.left);
}

}  // namespace rw::tokenizer
