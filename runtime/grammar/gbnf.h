// Grammars written down in GBNF, the form that models' users know:
//
//     root  ::= item ("," item)*      # a comment
//     item  ::= [a-z]+ | "\"" [^"\\\n]{0,20} "\"" | .
//
// A rule goes on until the next `name ::=` or the end. docs/grammars.md has the whole of it.
#pragma once

#include <string_view>

#include "runtime/grammar/expression.h"

namespace rw::grammar {

/// Limits of what is read: bytes of text, parentheses in parentheses, counts in braces.
inline constexpr size_t most_gbnf_bytes = 1 << 20;
inline constexpr int most_gbnf_depth = 100;
inline constexpr uint32_t most_count = 1'000'000;

/// Throws Error(invalid_argument) that names line, column and what was expected there.
Rules parse_gbnf(std::string_view text);

}  // namespace rw::grammar
