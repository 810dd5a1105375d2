// Token ids as people type them.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/tokenizer/vocabulary.h"

namespace rw::tools {

/// Numbers with a comma, a semicolon, blanks or brackets between them: lists, lines, JSON arrays. Throws
/// Error(invalid_argument), also where a comma has no number on both sides.
std::vector<tokenizer::Token> read_tokens(std::string_view text);

}  // namespace rw::tools
