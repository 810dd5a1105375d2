#include "runtime/grammar/json_keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/grammar/gbnf.h"
#include "runtime/grammar/json_numbers.h"

namespace rw::grammar {

void refuse_schema(const std::string& path, const std::string& why, Status status) {
    throw Error(status, fmt::format("JSON schema, {}: {}", path, why));
}

std::string schema_path(const std::string& path, const std::string& name) {
    std::string further = path + '/';
    for (const char c : name) {
        if (c == '~') further += "~0";
        else if (c == '/') further += "~1";
        else further += c;
    }
    return further;
}

bool is_annotation(const std::string& keyword) {
    static const std::set<std::string> all{"title", "description", "default", "examples", "example", "deprecated", "readOnly",
                                           "writeOnly", "$comment", "$schema", "$id", "$defs", "definitions"};
    return all.contains(keyword);
}

const Json* Keywords::find(const char* keyword) {
    read_.insert(keyword);
    const auto found = schema_.find(keyword);
    return found == schema_.end() ? nullptr : &*found;
}

bool Keywords::has_any(std::initializer_list<const char*> keywords) const {
    return std::any_of(keywords.begin(), keywords.end(), [&](const char* k) { return schema_.contains(k); });
}

std::set<std::string> Keywords::names(const char* keyword) {
    const Json* list = find(keyword);
    std::set<std::string> names;
    if (list && !list->is_array()) refuse_schema(path_, fmt::format("{} has to be a list of names", keyword));
    for (const Json& name : list ? *list : Json::array()) {
        if (!name.is_string()) refuse_schema(path_, fmt::format("{} has to be a list of names", keyword));
        names.insert(name.get<std::string>());
    }
    return names;
}

std::optional<uint32_t> Keywords::count(const char* keyword) {
    const Json* value = find(keyword);
    if (!value) return std::nullopt;
    const double number = value->is_number() ? value->get<double>() : -1;
    if (!(number >= 0 && number <= most_count) || number != std::floor(number))
        refuse_schema(path_, fmt::format("{} is {}, a whole number from 0 to {} is expected", keyword, value->dump(), most_count));
    return uint32_t(number);
}

std::optional<int64_t> Keywords::whole(const char* keyword) {
    const Json* value = find(keyword);
    if (!value) return std::nullopt;
    if (!value->is_number()) refuse_schema(path_, fmt::format("{} is {}, a number is expected", keyword, value->dump()));
    const double number = value->get<double>();
    if (std::abs(number) > double(most_integer / 10) || number != std::floor(number))
        refuse_schema(path_, fmt::format("{} {}: bounds are whole numbers of at most seventeen digits", keyword, value->dump()), Status::unsupported);
    return value->is_number_float() ? int64_t(number) : value->get<int64_t>();
}

void Keywords::finish(const std::string& what) const {
    for (const auto& [keyword, value] : schema_.items())
        if (!is_annotation(keyword) && !read_.contains(keyword))
            refuse_schema(path_, fmt::format("\"{}\" is not supported {}", keyword, what), Status::unsupported);
}

const Json& referred(const Json& root, const Json& reference, const std::string& path) {
    if (!reference.is_string()) refuse_schema(path, "$ref has to be a string");
    const std::string& text = reference.get_ref<const std::string&>();
    if (!text.starts_with("#") || (text.size() > 1 && text[1] != '/'))
        refuse_schema(path, fmt::format("$ref \"{}\": only places of the same schema are known, as #/$defs/name", text), Status::unsupported);
    const Json::json_pointer pointer(text.substr(1));
    if (!root.contains(pointer)) refuse_schema(path, fmt::format("$ref \"{}\" leads nowhere", text));
    return root.at(pointer);
}

}  // namespace rw::grammar
