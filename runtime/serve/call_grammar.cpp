#include "runtime/serve/call_grammar.h"

#include <fmt/format.h>

#include "runtime/grammar/json_keywords.h"
#include "runtime/grammar/json_pattern.h"
#include "runtime/grammar/json_schema.h"

namespace rw::serve {
namespace {

using grammar::call;
using grammar::choice;
using grammar::complement;
using grammar::Expression;
using grammar::Keywords;
using grammar::one_of;
using grammar::optional;
using grammar::refuse_schema;
using grammar::repeat;
using grammar::Rules;
using grammar::sequence;
using grammar::text;

constexpr std::string_view value_end = "</parameter>";

/// Any text without the mark that ends a value. How much of it the last characters are is a rule each; since no two
/// characters of it are <, what does not go on with it begins it anew, or is none of it.
Expression free_text(Rules& rules) {
    std::vector<uint32_t> begun;
    for (size_t i = 0; i < value_end.size(); ++i) begun.push_back(rules.add("the text of a parameter"));
    const grammar::Span open{'<', '<'};
    rules[begun[0]] =
        sequence({repeat(one_of(complement({open})), 0), optional(sequence({text("<"), call(begun[1])}))});
    for (size_t i = 1; i < begun.size(); ++i) {
        const char32_t next = char32_t(value_end[i]);
        std::vector<Expression> ways{
            text(""), sequence({text("<"), call(begun[1])}),
            sequence({one_of(complement(grammar::normal({open, {next, next}}))), call(begun[0])})};
        if (i + 1 < begun.size()) ways.push_back(sequence({text(value_end.substr(i, 1)), call(begun[i + 1])}));
        rules[begun[i]] = choice(std::move(ways));
    }
    return call(begun[0]);
}

/// Of names and values that stand there as they are.
const std::string& plain(const Json& value, std::string_view unlike, const std::string& path) {
    if (!value.is_string()) refuse_schema(path, "a text is expected");
    const auto& bytes = value.get_ref<const std::string&>();
    if (bytes.find(unlike) != bytes.npos)
        refuse_schema(path, fmt::format("\"{}\" cannot be in it", unlike), Status::unsupported);
    return bytes;
}

/// A value that is written without quotes.
Expression bare_text(Rules& rules, const Json& schema, const std::string& path) {
    Keywords keywords(schema, path);
    keywords.find("type");
    const Json *list = keywords.find("enum"), *constant = keywords.find("const"), *format = keywords.find("format");
    const auto least = keywords.count("minLength"), most = keywords.count("maxLength");
    keywords.finish("for a text in this form of calls");
    if (bool(list) + bool(constant) + bool(format) + (least || most) > 1)
        refuse_schema(path, "enum, const, format and lengths are not supported beside one another",
                      Status::unsupported);
    if (list || constant) {
        if (list && (!list->is_array() || list->empty()))
            refuse_schema(path, "enum has to be a list with something in it");
        std::vector<Expression> ways;
        for (const Json& value : list ? *list : Json::array({*constant}))
            ways.push_back(text(plain(value, value_end, path)));
        return choice(std::move(ways));
    }
    if (format) {
        const char* pattern = grammar::format_pattern(plain(*format, value_end, path));
        if (!pattern) refuse_schema(path, "this format is not supported", Status::unsupported);
        return grammar::json_pattern(pattern);  // of characters that a JSON string holds as they are
    }
    if (!least && !most) return free_text(rules);
    if (least.value_or(0) > most.value_or(grammar::endless)) refuse_schema(path, "minLength is greater than maxLength");
    return repeat(one_of(complement({{'<', '<'}})), least.value_or(0), most.value_or(grammar::endless));
}

Expression in_marks(Rules& rules, const std::string& name, const Json& parameters) {
    std::vector<Expression> parts{text(fmt::format("<function={}>\n", plain(name, ">", "name")))};
    Keywords keywords(parameters, "#");
    keywords.find("type");
    const Json *properties = keywords.find("properties"), *further = keywords.find("additionalProperties");
    const std::set<std::string> needed = keywords.names("required");
    keywords.finish("for parameters in this form of calls");
    const Json none = Json::object();
    if (properties && !properties->is_object()) refuse_schema("#/properties", "an object is expected");
    if (further && !further->is_object() && !further->is_boolean())  // none are written, whatever it says
        refuse_schema("#/additionalProperties", "a schema has to be an object, true or false");
    for (const std::string& one : needed)
        if (!properties || !properties->contains(one))
            refuse_schema("#", fmt::format("\"{}\" is required and not among the properties", one));
    for (const auto& [key, schema] : (properties ? *properties : none).items()) {
        const std::string path = grammar::schema_path("#/properties", key);
        const bool bare = schema.is_object() && schema.contains("type") && schema["type"] == "string";
        Expression value =
            bare ? bare_text(rules, schema, path) : call(grammar::add_json_schema(rules, parameters, path));
        Expression part = sequence(
            {text(fmt::format("<parameter={}>\n", plain(key, ">", path))), std::move(value), text("\n</parameter>\n")});
        parts.push_back(needed.contains(key) ? std::move(part) : optional(std::move(part)));
    }
    parts.push_back(text("</function>"));
    return sequence(std::move(parts));
}

Expression in_json(Rules& rules, const std::string& name, const Json& parameters) {
    return sequence({text(fmt::format("{{\"name\": {}, \"arguments\": ", dumped(Json(name)))),
                     call(grammar::add_json_schema(rules, parameters)), text("}")});
}

Expression call_of(Rules& rules, const Json& function, bool marks) {
    const std::string name = function["name"];
    Json parameters = function.contains("parameters") ? function["parameters"] : Json();
    if (parameters.is_null()) parameters = {{"type", "object"}, {"properties", Json::object()}};
    if (!parameters.contains("type")) parameters["type"] = "object";
    try {
        if (parameters["type"] != "object") refuse_schema("#", "the type of parameters is object");
        return marks ? in_marks(rules, name, parameters) : in_json(rules, name, parameters);
    } catch (const Error& e) {
        throw Error(e.status, fmt::format("function {}: {}", name, e.what()));
    }
}

}  // namespace

grammar::Grammar call_grammar(const CallRules& rules) {
    Rules made;
    const uint32_t one = made.add("a call");
    std::vector<Expression> ways;
    for (const Json& tool : rules.tools)
        ways.push_back(
            sequence({text("<tool_call>\n"), call_of(made, tool["function"], rules.marks), text("\n</tool_call>")}));
    made[one] = choice(std::move(ways));
    std::vector<Expression> parts{call(one)};
    if (rules.behind_thought) parts.insert(parts.begin(), repeat(text("\n"), 0, 2));
    if (rules.several) parts.push_back(repeat(sequence({text("\n"), call(one)}), 0));
    made.root = made.add("root");
    made[made.root] = sequence(std::move(parts));
    return grammar::Grammar(made);
}

}  // namespace rw::serve
