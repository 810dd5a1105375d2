// Which functions a request offers, and whether the reply has to call one: "tools", "tool_choice",
// "parallel_tool_calls".
#pragma once

#include "runtime/serve/fields.h"
#include "runtime/serve/tool_calls.h"

namespace rw::serve {

struct ToolChoice {
    Tools tools{};        // that the model is told of
    Tools forced{};       // of which it has to call one; none: it says what it likes
    bool several = true;  // whether it may call more than once
};

/// Throws Problem(400) that names the field.
ToolChoice read_tools(const Fields& fields);

}  // namespace rw::serve
