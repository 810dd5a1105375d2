// A grammar over a vocabulary, and texts that follow it.
//
// A text's constraint allows the tokens whose bytes may come next; a token may end within a character. End tokens are
// allowed where the text is complete, and nowhere else; behind one there is nothing but end tokens. Other control tokens
// never are. Since every rule comes to an end, a text can only get stuck where no token has the bytes that must come
// next, which a vocabulary with a token for every byte excludes; for others, the end tokens are allowed there.
//
// Each constraint is a few numbers. What they point to, and the masks of places that return, belong to the text's first
// one and are shared; what any text can use belongs to the Matcher. A server keeps a Matcher as long as its grammar.
#pragma once

#include <memory>
#include <mutex>

#include "runtime/grammar/grammar.h"
#include "runtime/grammar/masks.h"
#include "runtime/sample/constraint.h"

namespace rw::grammar {

class Matcher : public std::enable_shared_from_this<Matcher> {
public:
    Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie);

    /// For one text, or several answers to one prompt. The Matcher has to be in a shared_ptr. Threads may call it, and use
    /// the constraints, at the same time.
    std::shared_ptr<const sample::Constraint> start();

    const Grammar& grammar() const { return *grammar_; }
    const TokenTrie& trie() const { return *trie_; }
    /// The tokens of text that fit.
    void find(Stacks& stacks, const Places& places, TokenSet& tokens);

private:
    const std::shared_ptr<const Grammar> grammar_;
    const std::shared_ptr<const TokenTrie> trie_;
    std::mutex mutex_;
    Masks masks_;
};

}  // namespace rw::grammar
