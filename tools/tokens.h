// Token ids as people type them.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/tokenizer/vocabulary.h"

namespace rw::tools {

/// Numbers with blanks, commas, semicolons or brackets between them: lists, lines, JSON arrays.
std::vector<tokenizer::Token> read_tokens(std::string_view text);

}  // namespace rw::tools
