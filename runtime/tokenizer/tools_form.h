// How a template tells a model of the functions that it may call: the wording is the template's own, read out of its text.
//
//     {%- if tools %}
//         {{- '<|im_start|>system\n' }} ... what the system says ... {{- "some words" }}
//         {%- for tool in tools %} {{- "\n" }} {{- tool | tojson }} {%- endfor %}
//         {{- "more words<|im_end|>\n" }}
//     {%- else %} ...
//
// Of such a block the texts, the place of the system's message and that of the functions are taken over; what else stands
// there is not understood, and then no functions are written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rw::tokenizer {

struct ToolsForm {
    enum class What { text, system, tool };
    struct Item {
        What what;
        std::string text{};
        bool with_system = false;  // only where the system says something
        bool each = false;         // for every function anew
    };
    std::vector<Item> items;
    bool marks = false;      // calls as <function=...>, not as JSON
    bool apart = false;      // an empty line between what a reply says and its calls

    /// Of a template's text; none when it has no such block, or one that is not understood.
    static std::optional<ToolsForm> of(std::string_view text);
};

}  // namespace rw::tokenizer
