// Grammars against the demo model's vocabulary, and a slow way to say what a grammar accepts.
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "runtime/grammar/matcher.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::test {

/// What f says when it throws an Error; empty otherwise.
std::string refusal(const std::function<void()>& f);

/// Straight from the rules: all ends of every part, found by trying. For rules without left recursion and short texts.
bool accepts_slowly(const grammar::Rules& rules, const std::string& text);

/// The tokens of the model under models/, and their trie.
const tokenizer::Tokenizer& demo_tokenizer();
std::shared_ptr<const grammar::TokenTrie> demo_trie();

using ConstraintPtr = std::shared_ptr<const sample::Constraint>;
ConstraintPtr constraint_of(grammar::Grammar grammar, std::shared_ptr<const grammar::TokenTrie> trie = demo_trie());
/// The tokens that a mask leaves.
std::vector<int32_t> left_by(const sample::Constraint& constraint, size_t vocabulary);
/// Behind a text, token by token. Null where it does not fit.
ConstraintPtr behind(ConstraintPtr constraint, const std::string& text);

/// A text drawn by the masks. After `most` tokens those that close something are taken first.
std::string random_text(ConstraintPtr constraint, const grammar::TokenTrie& trie, std::mt19937& dice, int most);

}  // namespace rw::test
