// What a text has to look like, compiled: from GBNF, or from a JSON schema (json_schema.h). Immutable; threads share one.
//
//     auto grammar = std::make_shared<const Grammar>(Grammar::gbnf(R"(root ::= "yes" | "no")"));
//     auto trie = std::make_shared<const TokenTrie>(tokenizer.vocabulary());   // once for a tokenizer
//     auto matcher = std::make_shared<Matcher>(grammar, trie);                 // once for both: see matcher.h
//     auto constraint = matcher->start();                                      // once for a text
#pragma once

#include <string_view>

#include "runtime/grammar/expression.h"
#include "runtime/grammar/program.h"

namespace rw::grammar {

class Grammar {
public:
    /// Throws Error(invalid_argument) naming a rule that is left-recursive, never ends, or is too large.
    explicit Grammar(const Rules& rules) : program_(compile(rules)) {}
    /// Throws Error(invalid_argument) with line and column as well.
    static Grammar gbnf(std::string_view text);

    /// Whether it is the whole of a text that the grammar describes.
    bool accepts(std::string_view text) const;
    const Program& program() const { return program_; }

private:
    Program program_;
};

}  // namespace rw::grammar
