#include "runtime/serve/tool_choice.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::serve {
namespace {

std::string name_of(const Json& tool) { return tool["function"]["name"].get<std::string>(); }

Tools tools_of(const Fields& fields) {
    const Json* list = fields.list("tools", 1024);
    Tools tools;
    for (size_t i = 0; list && i < list->size(); ++i) {
        const std::string where = fmt::format("tools[{}]", i);
        if (!(*list)[i].is_object()) throw bad(where, where + " is not an object");
        const Fields tool((*list)[i], where);
        tool.choice("type", "function", {"function"});
        const Fields function = tool.object("function");
        if (function.text("name", "").empty()) function.fail("name", "a function's name");
        function.object("parameters");
        tools.push_back((*list)[i]);
    }
    return tools;
}

}  // namespace

ToolChoice read_tools(const Fields& fields) {
    ToolChoice choice{.tools = tools_of(fields), .several = fields.flag("parallel_tool_calls", true)};
    const Json* asked = fields.find("tool_choice");
    if (!asked || *asked == "auto") return choice;
    if (*asked == "none") {
        choice.tools.clear();
    } else if (*asked == "required") {
        if (choice.tools.empty()) fields.fail("tool_choice", "auto or none, without tools,");
        choice.forced = choice.tools;
    } else if (asked->is_object()) {
        const Fields named(*asked, "tool_choice");
        named.choice("type", "function", {"function"});
        const std::string name = named.object("function").text("name", "");
        const auto at = std::find_if(choice.tools.begin(), choice.tools.end(),
                                     [&](const Json& tool) { return name_of(tool) == name; });
        if (at == choice.tools.end()) named.object("function").fail("name", "the name of one of the tools");
        choice.forced = {*at};
        choice.several = false;  // that one, once
    } else {
        fields.fail("tool_choice", "auto, none, required or a function");
    }
    return choice;
}

}  // namespace rw::serve
