// Grammars of JSON: any object, or what a JSON schema (2020-12 as far as docs/grammars.md says) describes.
//
// Every text that such a grammar accepts is JSON and fits the schema. The converse is not so: properties come in the order
// in which the schema has them, numbers have at most sixteen digits, blanks come one at a time or as an indented line, and
// what a schema does not mention is mostly left out. A keyword that is not understood is refused by name, never passed over.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "runtime/grammar/grammar.h"

namespace rw::grammar {

/// Throws Error(invalid_argument, or unsupported for what a schema may say and this does not know) naming the place.
Grammar json_schema(const nlohmann::ordered_json& schema);
/// The same from text. (A schema within another JSON text has to be read as ordered_json, or its order is lost.)
Grammar json_schema_text(std::string_view text);
/// For JSON within other text: the rule, new among `rules`, of a place of the schema, which is named as $ref names it.
/// Throws as json_schema() does.
uint32_t add_json_schema(Rules& rules, const nlohmann::ordered_json& schema, const std::string& at = "#");

/// Any object, as deep as it likes.
Grammar json_object();

}  // namespace rw::grammar
