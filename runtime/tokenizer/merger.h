// Byte-pair encoding of one piece: starting from its bytes, the pair of neighbours with the lowest rank is merged, of
// equal ones the leftmost, until no neighbours merge.
//
// Neighbours are a linked list, pairs wait in a heap: n log n for a piece of n bytes, whatever the bytes are.
#pragma once

#include "runtime/tokenizer/vocabulary.h"

namespace rw::tokenizer {

class Merger {
public:
    explicit Merger(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}
    void append(std::string_view piece, std::vector<Token>& out);

private:
    struct Symbol {
        Token token;  // -1: merged into the one before it
        uint32_t before, after;
    };
    struct Pair {
        uint32_t rank, left, right;  // places of symbols
        Token tokens[2], whole;      // what the symbols were when the pair was found
        bool operator>(const Pair& other) const { return rank != other.rank ? rank > other.rank : left > other.left; }
    };
    void consider(uint32_t left, uint32_t right);
    void join(const Pair& pair);

    const Vocabulary& vocabulary_;
    std::vector<Symbol> symbols_;  // kept from piece to piece for their memory
    std::vector<Pair> heap_;
};

}  // namespace rw::tokenizer
