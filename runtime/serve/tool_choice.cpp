#include "runtime/serve/tool_choice.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::serve {
namespace {

std::string name_of(const Json& tool) { return tool["function"]["name"].get<std::string>(); }

/// Calls are read without the blanks around a name.
bool stands_apart(const std::string& name) {
    constexpr const char* blanks = " \t\r\n";
    return name.find_first_of(blanks) == 0 || (!name.empty() && name.find_last_of(blanks) == name.size() - 1);
}

/// Throws Problem(400) for a function that could not be called by its name, or not with all its parameters.
void check_names(const Fields& function, const Tools& others) {
    const std::string name = function.text("name", "");
    if (name.empty() || stands_apart(name)) function.fail("name", "a function's name, without blanks around it,");
    if (std::any_of(others.begin(), others.end(), [&](const Json& tool) { return name_of(tool) == name; }))
        function.fail("name", "a name that no other of the functions has");
    const Fields parameters = function.object("parameters");
    const Json* properties = parameters.find("properties");
    if (!properties || !properties->is_object()) return;
    for (const auto& [key, schema] : properties->items())
        if (stands_apart(key)) parameters.fail("properties", "names without blanks around them");
}

Tools tools_of(const Fields& fields) {
    const Json* list = fields.list("tools", 1024);
    Tools tools;
    for (size_t i = 0; list && i < list->size(); ++i) {
        const std::string where = fmt::format("tools[{}]", i);
        if (!(*list)[i].is_object()) throw bad(where, where + " is not an object");
        const Fields tool((*list)[i], where);
        tool.choice("type", "function", {"function"});
        check_names(tool.object("function"), tools);
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
