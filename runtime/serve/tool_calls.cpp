#include "runtime/serve/tool_calls.h"

#include "runtime/serve/fields.h"

namespace rw::serve {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The JSON of a text, or a value of kind `discarded`.
Json read(std::string_view text) {
    try {
        return bounded(text);
    } catch (const Problem&) {
        return Json(Json::value_t::discarded);
    }
}

std::optional<ToolCall> from_json(std::string_view text) {
    const Json call = read(text);
    if (!call.is_object() || !call.contains("name") || !call["name"].is_string()) return std::nullopt;
    Json arguments = call.contains("arguments") ? call["arguments"] : Json::object();
    if (arguments.is_string()) arguments = read(arguments.get_ref<const std::string&>());
    if (!arguments.is_object()) return std::nullopt;
    return ToolCall{call["name"].get<std::string>(), dumped(arguments)};
}

/// Whether the schema of the function says that the parameter is a text.
bool is_text(const Tools& tools, const std::string& function, const std::string& parameter) {
    for (const Json& tool : tools) {
        const Json::json_pointer type("/function/parameters/properties");
        if (tool.value("/function/name"_json_pointer, "") != function || !tool.contains(type)) continue;
        const Json& properties = tool[type];
        if (!properties.is_object() || !properties.contains(parameter)) return false;
        const Json& schema = properties[parameter];
        return schema.is_object() && schema.contains("type") && schema["type"] == "string";
    }
    return false;
}

enum class Within { json, string, neither };

/// What the beginning of a JSON text ends within: neither when it is none, since strings have no line breaks.
Within where_ends(std::string_view text) {
    bool inside = false;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') inside = !inside;
        else if (inside && text[i] == '\\') ++i;
        else if (inside && text[i] == '\n') return Within::neither;
    }
    return inside ? Within::string : Within::json;
}

/// Where a value in marks ends: JSON may have the mark in a string, and then it may not have ended yet (npos).
size_t value_end(std::string_view text, bool json) {
    constexpr std::string_view mark = "</parameter>";
    const size_t begin = text.find_first_not_of(blanks), first = text.find(mark);
    const bool may_quote = json && first != text.npos && std::string_view("[{\"").find(text[begin]) != text.npos;
    if (!may_quote) return first;
    for (size_t end = first; end != text.npos; end = text.find(mark, end + 1)) {
        const Within within = where_ends(text.substr(0, end));
        if (within != Within::string) return within == Within::json ? end : first;
    }
    return where_ends(text) == Within::neither ? first : text.npos;
}

/// What is between `open` and `close` at the beginning of `text`, which both are taken from.
std::optional<std::string_view> take(std::string_view& text, std::string_view open, std::string_view close) {
    if (!text.starts_with(open)) return std::nullopt;
    const size_t end = text.find(close, open.size());
    if (end == text.npos) return std::nullopt;
    const std::string_view inside = text.substr(open.size(), end - open.size());
    text.remove_prefix(end + close.size());
    return inside;
}

struct InMarks {
    std::optional<ToolCall> call{};
    bool within = false;  // it ends within a value
};

InMarks from_marks(std::string_view text, const Tools& tools) {
    const auto name = take(text, "<function=", ">");
    if (!name || name->empty()) return {};
    const std::string function(trimmed(*name));
    Json arguments = Json::object();
    for (text = trimmed(text); text.starts_with("<parameter="); text = trimmed(text)) {
        const auto key = take(text, "<parameter=", ">");
        if (!key) return {};
        const std::string parameter(trimmed(*key));
        const bool bare = is_text(tools, function, parameter);
        const size_t end = value_end(text, !bare);
        if (end == text.npos) return {.within = true};
        std::string_view value = text.substr(0, end);
        text.remove_prefix(end + std::string_view("</parameter>").size());
        if (value.starts_with('\n')) value.remove_prefix(1);
        if (value.ends_with('\n')) value.remove_suffix(1);
        const Json parsed = bare ? Json(Json::value_t::discarded) : read(value);
        arguments[parameter] = parsed.is_discarded() ? Json(value) : parsed;
    }
    if (!text.starts_with("</function>")) return {};
    return {.call = ToolCall{function, dumped(arguments)}};
}

}  // namespace

std::string spaced(const Json& json) {
    if (!json.is_structured()) return dumped(json);
    std::string text, between;
    for (const auto& [key, value] : json.items()) {
        text += between + (json.is_object() ? dumped(Json(key)) + ": " : "") + spaced(value);
        between = ", ";
    }
    return json.is_object() ? "{" + text + "}" : "[" + text + "]";
}

bool within_value(std::string_view text, const Tools& tools) {
    text = trimmed(text);
    return text.starts_with('{') ? where_ends(text) == Within::string : from_marks(text, tools).within;
}

std::optional<ToolCall> parse_call(std::string_view text, const Tools& tools) {
    text = trimmed(text);
    return text.starts_with('{') ? from_json(text) : from_marks(text, tools).call;
}

}  // namespace rw::serve
