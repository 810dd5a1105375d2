// Prompts that are no conversation: text, tokens, or both mixed.
#pragma once

#include "runtime/serve/fields.h"
#include "runtime/serve/service.h"

namespace rw::serve {

/// "text", [1, 2, 3] or [1, "text", 2]. Text may spell control tokens: whoever sends a bare prompt writes all of it.
/// Throws Problem(400) that names `where`.
std::vector<int32_t> prompt_of(const Json& value, const Service& service, const std::string& where);

/// One or several of the field: "text", [tokens], or ["text", ...] and [[tokens], ...] for several, at most `most`.
std::vector<std::vector<int32_t>> prompts_of(const Fields& fields, const char* name, const Service& service, size_t most);

/// A list of tokens of the vocabulary.
std::vector<int32_t> tokens_of(const Json& list, const Service& service, const std::string& where);

}  // namespace rw::serve
