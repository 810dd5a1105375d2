// Calls of functions as the family's models write them, between <tool_call> and </tool_call>, in either form:
//
//     {"name": "weather", "arguments": {"city": "Oslo"}}
//
//     <function=weather>
//     <parameter=city>
//     Oslo
//     </parameter>
//     </function>
//
// The second says nothing of types: a value is a text where the function's schema says so, and otherwise JSON if it reads
// as that.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "runtime/serve/problem.h"

namespace rw::serve {

struct ToolCall {
    std::string name;
    std::string arguments;  // JSON of an object
};

/// The functions that may be called, as the request has them: [{"type": "function", "function": {...}}, ...].
using Tools = std::vector<Json>;

/// JSON with a blank after each comma and colon, as the family's templates write it.
std::string spaced(const Json& json);

/// Of the beginning of what stands between the two marks: whether it ends within a value, of which the second mark
/// would be part.
bool within_value(std::string_view text, const Tools& tools);

/// What stands between the two marks. None when it is in neither form.
std::optional<ToolCall> parse_call(std::string_view text, const Tools& tools);

}  // namespace rw::serve
