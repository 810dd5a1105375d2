// Regular expressions of JSON schemas, as the characters of a JSON string that match them.
#pragma once

#include <string_view>

#include "runtime/grammar/expression.h"

namespace rw::grammar {

/// What ECMA-262 means by it, of: characters, `.`, classes, \d \w \s and their opposites, \n \t \r \f \v \xHH \uHHHH,
/// groups, alternatives, * + ? {m} {m,} {m,n} (lazy as well, which is the same texts), ^ at the beginning and $ at the end
/// of the whole or of one of its alternatives; without them anything may stand before and behind. Throws
/// Error(unsupported) naming what else it has, and where.
Expression json_pattern(std::string_view pattern);
/// The pattern of a format, null for those that are not known: date, time, date-time, uuid.
const char* format_pattern(std::string_view format);

}  // namespace rw::grammar
