// Two schemas that both have to hold, as one that does.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/grammar/json_keywords.h"

namespace rw::grammar {
namespace {

class Merger {
public:
    Merger(const Json& root, const std::string& path) : root_(root), path_(path) {}

    Json merge(Json one, Json other) {
        one = resolved(std::move(one)), other = resolved(std::move(other));
        if (one == Json(true)) return other;
        if (other == Json(true)) return one;
        if (!one.is_object() || !other.is_object()) refuse_schema(path_, "nothing fits all of it");
        check_additional(one, other);
        check_additional(other, one);
        for (const auto& [keyword, value] : other.items()) {
            if (!one.contains(keyword)) one[keyword] = value;
            else if (one[keyword] != value && !is_annotation(keyword)) one[keyword] = both(keyword, one[keyword], value);
        }
        return one;
    }

private:
    /// Without $ref at its outside.
    Json resolved(Json schema) {
        for (int steps = 0; schema.is_object() && schema.contains("$ref"); ++steps) {
            if (steps > 32) refuse_schema(path_, "its $ref leads in a circle");
            Json target = referred(root_, schema["$ref"], path_);
            schema.erase("$ref");
            const bool alone = std::all_of(schema.items().begin(), schema.items().end(), [](const auto& i) { return is_annotation(i.key()); });
            schema = alone ? std::move(target) : merge(std::move(target), std::move(schema));
        }
        return schema;
    }

    /// What one says about further properties is meant for all that it does not name itself.
    void check_additional(const Json& one, const Json& other) const {
        const auto further = one.find("additionalProperties");
        if (further == one.end() || *further == Json(true) || !other.contains("properties")) return;
        for (const auto& [name, schema] : other["properties"].items())
            if (!one.contains("properties") || !one["properties"].contains(name))
                refuse_schema(path_, fmt::format("additionalProperties of one part would be about \"{}\" of another: leave it out", name), Status::unsupported);
    }

    Json both(const std::string& keyword, const Json& a, const Json& b) {
        if (keyword == "required" && a.is_array() && b.is_array()) return united(a, b);
        if (keyword == "enum" && a.is_array() && b.is_array()) return common(a, b);
        if (keyword == "allOf" && a.is_array() && b.is_array()) return united(a, b);
        if (keyword == "type") return types(a, b);
        if (keyword == "properties" && a.is_object() && b.is_object()) {
            Json all = a;
            for (const auto& [name, schema] : b.items()) {
                if (!all.contains(name)) all[name] = schema;
                else if (all[name] != schema) all[name] = Json{{"allOf", Json::array({all[name], schema})}};
            }
            return all;
        }
        if (a.is_number() && b.is_number()) {
            if (keyword.starts_with("min") || keyword == "exclusiveMinimum") return std::max(a, b);
            if (keyword.starts_with("max") || keyword == "exclusiveMaximum") return std::min(a, b);
        }
        refuse_schema(path_, fmt::format("parts of it differ in \"{}\", and cannot be put together", keyword), Status::unsupported);
    }

    static Json united(Json a, const Json& b) {
        for (const Json& value : b)
            if (std::find(a.begin(), a.end(), value) == a.end()) a.push_back(value);
        return a;
    }

    Json common(const Json& a, const Json& b) const {
        Json all = Json::array();
        for (const Json& value : b)
            if (std::find(a.begin(), a.end(), value) != a.end()) all.push_back(value);
        if (all.empty()) refuse_schema(path_, "nothing fits all of it");
        return all;
    }

    Json types(const Json& a, const Json& b) const {
        const auto list = [](const Json& type) { return type.is_array() ? type : Json::array({type}); };
        const auto has = [](const Json& types, const char* type) { return std::find(types.begin(), types.end(), Json(type)) != types.end(); };
        Json one = list(a), other = list(b);
        for (Json* types : {&one, &other})
            if (has(*types, "number") && !has(*types, "integer")) types->push_back("integer");
        Json all = common(one, other);
        if (has(all, "number")) all.erase(std::find(all.begin(), all.end(), Json("integer")));
        return all;
    }

    const Json& root_;
    const std::string& path_;
};

}  // namespace

Json merge_schemas(const Json& root, Json one, Json other, const std::string& path) {
    return Merger(root, path).merge(std::move(one), std::move(other));
}

}  // namespace rw::grammar
