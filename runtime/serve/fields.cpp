#include "runtime/serve/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace rw::serve {
namespace {

// Keys are looked for one after the other, and what is deep is walked by recursion: these bound both.
constexpr int most_depth = 64;
constexpr size_t most_keys = 1 << 16, most_keys_of_one = 1 << 11;

}  // namespace

Json bounded(std::string_view text) {
    std::vector<size_t> keys;
    size_t all = 0;
    const auto watch = [&](int depth, Json::parse_event_t event, Json&) {
        if (depth > most_depth) throw Problem(400, fmt::format("the body is nested deeper than {} levels", most_depth));
        if (event == Json::parse_event_t::object_start) keys.push_back(0);
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key && (++keys.back() > most_keys_of_one || ++all > most_keys))
            throw Problem(400, fmt::format("the body has more than {} keys, or an object in it more than {}", most_keys,
                                           most_keys_of_one));
        return true;
    };
    try {
        return Json::parse(text.begin(), text.end(), watch);
    } catch (const Json::exception& e) {
        throw Problem(400, fmt::format("the body is not JSON: {}", e.what()));
    }
}

Json parsed(const std::string& text) {
    Json body = bounded(text);
    if (!body.is_object()) throw Problem(400, "the body is " + told(body) + " where a JSON object is expected");
    return body;
}

std::string told(const Json& value) {
    switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "a list";
    case Json::value_t::boolean: return value.get<bool>() ? "true" : "false";
    case Json::value_t::string: {
        const auto& text = value.get_ref<const std::string&>();
        return text.size() > 40 ? "a text" : fmt::format("\"{}\"", text);
    }
    default: return dumped(value);
    }
}

const Json* Fields::find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto at = object_.find(name);
    return at == object_.end() || at->is_null() ? nullptr : &*at;
}

std::string Fields::path(const char* name) const { return path_.empty() ? name : path_ + "." + name; }

void Fields::fail(const char* name, const std::string& expected) const {
    const Json* value = find(name);
    throw bad(path(name), fmt::format("{} is {}; {} is expected", path(name), value ? told(*value) : "missing", expected));
}

double Fields::number(const char* name, double otherwise, double least, double most) const {
    const Json* value = find(name);
    if (!value) return otherwise;
    const double number = value->is_number() ? value->get<double>() : std::nan("");
    if (!(number >= least && number <= most)) fail(name, fmt::format("a number from {} to {}", least, most));
    return number;
}

int64_t Fields::integer(const char* name, int64_t otherwise, int64_t least, int64_t most) const {
    const Json* value = find(name);
    if (!value) return otherwise;
    const auto expected = [&] { fail(name, fmt::format("a whole number from {} to {}", least, most)); };
    if (value->is_number_unsigned()) {
        const uint64_t number = value->get<uint64_t>();
        if (most < 0 || number > uint64_t(most) || (least > 0 && number < uint64_t(least))) expected();
        return int64_t(number);
    }
    if (value->is_number_float()) {  // as 16.0
        const double number = value->get<double>();
        if (!(std::abs(number) < 9e15) || number != std::floor(number)) expected();
        if (int64_t(number) < least || int64_t(number) > most) expected();
        return int64_t(number);
    }
    if (!value->is_number_integer()) expected();
    const int64_t number = value->get<int64_t>();
    if (number < least || number > most) expected();
    return number;
}

bool Fields::flag(const char* name, bool otherwise) const {
    const Json* value = find(name);
    if (!value) return otherwise;
    if (!value->is_boolean()) fail(name, "true or false");
    return value->get<bool>();
}

std::string Fields::text(const char* name, const std::string& otherwise, size_t most) const {
    const Json* value = find(name);
    if (!value) return otherwise;
    if (!value->is_string()) fail(name, "a text");
    const auto& text = value->get_ref<const std::string&>();
    if (text.size() > most) fail(name, fmt::format("a text of at most {} bytes", most));
    return text;
}

std::string Fields::choice(const char* name, const std::string& otherwise, const std::vector<std::string>& words) const {
    const std::string word = text(name, otherwise);
    if (has(name) && std::find(words.begin(), words.end(), word) == words.end())
        fail(name, fmt::format("one of {}", fmt::join(words, ", ")));
    return word;
}

std::vector<std::string> Fields::texts(const char* name, size_t count, size_t most) const {
    const Json* value = find(name);
    if (!value) return {};
    const std::string expected = fmt::format("a text, or a list of at most {} texts of 1 to {} bytes", count, most);
    std::vector<std::string> found;
    const Json one = value->is_array() ? *value : Json::array({*value});
    if (one.size() > count) fail(name, expected);
    for (const Json& text : one) {
        if (!text.is_string()) fail(name, expected);
        found.push_back(text.get<std::string>());
        if (found.back().empty() || found.back().size() > most) fail(name, expected);
    }
    return found;
}

Fields Fields::object(const char* name) const {
    static const Json nothing = Json::object();
    const Json* value = find(name);
    if (!value) return Fields(nothing, path(name));
    if (!value->is_object()) fail(name, "an object");
    return Fields(*value, path(name));
}

const Json* Fields::list(const char* name, size_t most) const {
    const Json* value = find(name);
    if (value && !value->is_array()) fail(name, "a list");
    if (value && value->size() > most) fail(name, fmt::format("a list of at most {} entries", most));
    return value;
}

}  // namespace rw::serve
