// Token ids, and what is asked of a chat template, as people type them.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/tokenizer/chat.h"
#include "runtime/tokenizer/vocabulary.h"

namespace rw::tools {

/// Numbers with a comma, a semicolon, blanks or brackets between them: lists, lines, JSON arrays. Throws
/// Error(invalid_argument), also where a comma has no number on both sides.
std::vector<tokenizer::Token> read_tokens(std::string_view text);

/// "on", "off", or "" for the model's own choice.
inline tokenizer::Thinking thinking_named(std::string_view text) {
    return text.empty() ? tokenizer::Thinking::by_default : text == "on" ? tokenizer::Thinking::on : tokenizer::Thinking::off;
}

}  // namespace rw::tools
