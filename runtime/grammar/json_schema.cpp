#include "runtime/grammar/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/grammar/gbnf.h"
#include "runtime/grammar/json_keywords.h"
#include "runtime/grammar/json_numbers.h"
#include "runtime/grammar/json_parts.h"
#include "runtime/grammar/json_pattern.h"

namespace rw::grammar {
namespace {

constexpr int most_depth = 64;     // of the text
constexpr int most_levels = 200;   // through $ref
constexpr int most_schemas = 20'000;
constexpr size_t most_prefix = 100;

class Compiler {
public:
    Compiler(Rules& rules, const Json& root) : root_(root), rules_(rules), values_(rules_) {}

    uint32_t compile(const std::string& at) {
        check_depth(root_, 0);
        return place(at, at == "#" ? root_ : referred(root_, at, "#"));
    }

private:
    static void check_depth(const Json& json, int depth) {
        if (depth > most_depth) refuse_schema("#", fmt::format("more than {} levels of nesting", most_depth));
        if (json.is_structured())
            for (const Json& part : json) check_depth(part, depth + 1);
    }

    /// The rule of a place that $ref may lead to. It is known before it is made: schemas may contain themselves.
    uint32_t place(const std::string& path, const Json& schema) {
        const auto [known, added] = places_.try_emplace(path);
        if (added) {
            const uint32_t rule = known->second = rules_.add(path);
            rules_[rule] = any(schema, path);
            return rule;
        }
        return known->second;
    }

    /// A rule of its own, so that what is used twice is there once.
    Expression rule(const Json& schema, const std::string& path) {
        const uint32_t rule = rules_.add(path);
        Expression e = any(schema, path);
        rules_[rule] = std::move(e);
        return call(rule);
    }

    Expression any(const Json& schema, const std::string& path) {
        struct Level {
            int& depth;
            explicit Level(int& d) : depth(d) { ++depth; }
            ~Level() { --depth; }
        } level(depth_);
        if (depth_ > most_levels || ++schemas_ > most_schemas) refuse_schema(path, "too much of it: write it as $ref");
        if (schema == Json(true)) return call(values_.value());
        if (schema == Json(false)) refuse_schema(path, "nothing fits false");
        if (!schema.is_object()) refuse_schema(path, "a schema has to be an object, true or false");

        Keywords keywords(schema, path);
        if (const Json* parts = keywords.find("allOf")) return all_of(schema, *parts, path);
        for (const char* keyword : {"anyOf", "oneOf"})
            if (const Json* parts = keywords.find(keyword)) return one_of_parts(schema, *parts, keyword, path);
        if (const Json* reference = keywords.find("$ref")) return refer(schema, *reference, keywords);
        if (const Json* value = keywords.find("const")) return values(Json::array({*value}), keywords);
        if (const Json* list = keywords.find("enum")) return values(*list, keywords);
        return typed(keywords);
    }

    static Json without(Json schema, const char* keyword) {
        schema.erase(keyword);
        return schema;
    }
    static bool says_nothing(const Json& schema) {
        return std::all_of(schema.items().begin(), schema.items().end(), [](const auto& item) { return is_annotation(item.key()); });
    }
    static void check_parts(const Json& parts, const char* keyword, const std::string& path) {
        if (!parts.is_array() || parts.empty()) refuse_schema(path, fmt::format("{} has to be a list of schemas", keyword));
    }

    Expression all_of(const Json& schema, const Json& parts, const std::string& path) {
        check_parts(parts, "allOf", path);
        Json merged = without(schema, "allOf");
        if (parts.size() == 1 && says_nothing(merged)) return any(parts[0], path + "/allOf/0");
        for (const Json& part : parts) {
            merged = merge_schemas(root_, std::move(merged), part, path);
            if (merged.dump().size() > most_gbnf_bytes) refuse_schema(path, "too much of it once its allOf are put together");
        }
        return any(merged, path);
    }

    Expression one_of_parts(const Json& schema, const Json& parts, const char* keyword, const std::string& path) {
        check_parts(parts, keyword, path);
        const Json others = without(schema, keyword);
        std::vector<Expression> ways;
        for (size_t i = 0; i < parts.size(); ++i) {
            const std::string further = fmt::format("{}/{}/{}", path, keyword, i);
            ways.push_back(says_nothing(others) ? any(parts[i], further) : any(merge_schemas(root_, others, parts[i], further), further));
        }
        return choice(std::move(ways));
    }

    Expression refer(const Json& schema, const Json& reference, const Keywords& keywords) {
        const Json others = without(schema, "$ref");
        if (!says_nothing(others)) return any(merge_schemas(root_, Json{{"$ref", reference}}, others, keywords.path()), keywords.path());
        const Json& target = referred(root_, reference, keywords.path());
        return call(place(reference.get<std::string>(), target));
    }

    Expression values(const Json& list, Keywords& keywords) {
        if (!list.is_array() || list.empty()) refuse_schema(keywords.path(), "enum has to be a list with something in it");
        const std::vector<std::string> types = types_of(keywords);
        const Json* all = keywords.find("enum");  // list, or beside const
        if (all && !all->is_array()) refuse_schema(keywords.path(), "enum has to be a list with something in it");
        if (all && std::find(all->begin(), all->end(), list[0]) == all->end())
            refuse_schema(keywords.path(), "const is none of enum");
        keywords.find("const");
        keywords.finish("beside enum or const");
        std::vector<Expression> ways;
        for (const Json& value : list)
            if (types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) { return is_of(value, type); }))
                ways.push_back(text(value.dump()));
        if (ways.empty()) refuse_schema(keywords.path(), "no value of enum is of the type");
        return choice(std::move(ways));
    }

    static bool is_of(const Json& value, const std::string& type) {
        if (type == "integer") return value.is_number() && value.get<double>() == std::floor(value.get<double>());
        if (type == "number") return value.is_number();
        return type == value.type_name();
    }

    static std::vector<std::string> types_of(Keywords& keywords) {
        const Json* type = keywords.find("type");
        if (!type) return {};
        std::vector<std::string> types;
        for (const Json& one : type->is_array() ? *type : Json::array({*type})) {
            if (!one.is_string()) refuse_schema(keywords.path(), "type has to be a name or a list of names");
            types.push_back(one);
        }
        if (types.empty()) refuse_schema(keywords.path(), "type is an empty list");
        return types;
    }

    Expression typed(Keywords& keywords) {
        std::vector<std::string> types = types_of(keywords);
        if (types.empty()) {  // what it speaks about is what it is
            if (keywords.has_any({"properties", "required", "additionalProperties"})) types.push_back("object");
            if (keywords.has_any({"items", "prefixItems", "minItems", "maxItems"})) types.push_back("array");
            if (keywords.has_any({"minLength", "maxLength", "pattern", "format"})) types.push_back("string");
            if (keywords.has_any({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})) types.push_back("number");
            if (types.size() > 1) refuse_schema(keywords.path(), "a type is needed");
        }
        std::vector<Expression> ways;
        const bool numbers = std::find(types.begin(), types.end(), "number") != types.end();
        for (const std::string& type : types)
            if (type != "integer" || !numbers) ways.push_back(of_type(type, keywords));
        keywords.finish(types.empty() ? "" : fmt::format("for type {}", fmt::join(types, ", ")));
        return ways.empty() ? call(values_.value()) : choice(std::move(ways));
    }

    Expression of_type(const std::string& type, Keywords& keywords) {
        if (type == "null") return text("null");
        if (type == "boolean") return choice({text("true"), text("false")});
        if (type == "string") return string(keywords);
        if (type == "array") return array(keywords);
        if (type == "object") return object(keywords);
        if (type == "number") return number(keywords, false);
        if (type == "integer") return number(keywords, true);
        refuse_schema(keywords.path(), fmt::format("type \"{}\": string, number, integer, boolean, null, object or array is expected", type));
    }

    Expression number(Keywords& keywords, bool whole) {
        const auto first = keywords.whole("minimum"), last = keywords.whole("maximum");
        const auto above = keywords.whole("exclusiveMinimum"), below = keywords.whole("exclusiveMaximum");
        if (!first && !last && !above && !below) return whole ? json_integer() : json_number();
        // Where nothing is said, sixteen digits; or one more than the other bound has.
        int64_t widest = 9'999'999'999'999'999;
        for (const auto& bound : {first, last, above, below})
            if (bound && std::abs(*bound) >= widest) widest = most_integer;
        Bounds b{first.value_or(-widest), last.value_or(widest)};
        if (above && *above >= b.first) b.first = *above, b.first_open = true;
        if (below && *below <= b.last) b.last = *below, b.last_open = true;
        if (whole) b.first += b.first_open, b.last -= b.last_open;
        if (b.first > b.last || (!whole && b.first == b.last && (b.first_open || b.last_open)))
            refuse_schema(keywords.path(), "no number lies between its bounds");
        return whole ? integers(b.first, b.last) : decimals(b);
    }

    Expression string(Keywords& keywords) {
        const Json *pattern = keywords.find("pattern"), *format = keywords.find("format");
        const auto least = keywords.count("minLength"), most = keywords.count("maxLength");
        if (int(bool(pattern)) + int(bool(format)) + int(least || most) > 1)
            refuse_schema(keywords.path(), "pattern, format and lengths are not supported beside one another", Status::unsupported);
        if (least && most && *least > *most) refuse_schema(keywords.path(), "minLength is greater than maxLength");
        if (least || most) return json_string_of(repeat(json_any_character(), least.value_or(0), most.value_or(endless)));
        if (pattern || format) {
            const Json& value = pattern ? *pattern : *format;
            if (!value.is_string()) refuse_schema(keywords.path(), "pattern and format have to be strings");
            const std::string& name = value.get_ref<const std::string&>();
            const char* known = format ? format_pattern(name) : name.c_str();
            if (!known) refuse_schema(keywords.path(), fmt::format("format \"{}\" is not supported: date, time, date-time and uuid are", name), Status::unsupported);
            try {
                return json_string_of(json_pattern(pattern ? std::string_view(name) : known));
            } catch (const Error& e) {
                refuse_schema(keywords.path(), e.what(), e.status);
            }
        }
        return call(values_.string());
    }

    Expression array(Keywords& keywords) {
        const std::string& path = keywords.path();
        const Json *items = keywords.find("items"), *prefix = keywords.find("prefixItems");
        if (const Json* unique = keywords.find("uniqueItems"); unique && *unique != Json(false))
            refuse_schema(path, "\"uniqueItems\" is not supported", Status::unsupported);
        uint32_t least = keywords.count("minItems").value_or(0), most = keywords.count("maxItems").value_or(endless);
        if (items && items->is_array()) refuse_schema(path, "a list of items is not supported: write prefixItems", Status::unsupported);
        if (prefix && !prefix->is_array()) refuse_schema(path, "prefixItems has to be a list of schemas");
        if (prefix && prefix->size() > most_prefix) refuse_schema(path, fmt::format("more than {} prefixItems", most_prefix), Status::unsupported);
        const uint32_t listed = prefix ? uint32_t(prefix->size()) : 0;
        const bool more = items ? *items != Json(false) : listed == 0;  // behind the listed ones
        if (!more) most = std::min(most, listed);
        if (least > most) refuse_schema(path, "more items are needed than there may be");

        // From the back: what may come behind the items before, itself with a comma unless it is the first.
        const auto further = [](Expression item, bool first) { return first ? std::move(item) : json_next(std::move(item)); };
        Expression rest;
        if (more && most > listed) {
            const Expression item = items && *items != Json(true) ? rule(*items, path + "/items") : call(values_.value());
            const uint32_t need = least > listed ? least - listed : 0, may = most == endless ? endless : most - listed;
            rest = sequence({further(item, listed == 0), repeat(json_next(item), need > 0 ? need - 1 : 0, may == endless ? endless : may - 1)});
            if (need == 0) rest = optional(std::move(rest));
        }
        for (uint32_t i = std::min(listed, most); i-- > 0;) {
            rest = sequence({further(rule((*prefix)[i], fmt::format("{}/prefixItems/{}", path, i)), i == 0), std::move(rest)});
            if (i >= least) rest = optional(std::move(rest));
        }
        return json_enclosed("[", std::move(rest), "]");
    }

    Expression object(Keywords& keywords) {
        const std::string& path = keywords.path();
        const Json *properties = keywords.find("properties"), *additional = keywords.find("additionalProperties");
        const std::set<std::string> needed = keywords.names("required");
        if (properties && !properties->is_object()) refuse_schema(path, "properties has to be an object");
        if (!properties && !keywords.has_any({"required"}) && (!additional || *additional == Json(true)))
            return call(values_.object());

        struct Property {
            std::string name;
            Expression member;
            bool needed = false;
        };
        std::vector<Property> all;
        const auto member = [&](const std::string& name, const Json& schema, const std::string& where) {
            const uint32_t rule = rules_.add(where);
            Expression e = json_member(text(Json(name).dump()), any(schema, where));
            rules_[rule] = std::move(e);
            all.push_back({name, call(rule)});
        };
        const Json none = Json::object();
        for (const auto& [name, schema] : (properties ? *properties : none).items())
            if (schema != Json(false) || needed.contains(name)) member(name, schema, schema_path(path + "/properties", name));
        for (const std::string& name : needed) {
            if (properties && properties->contains(name)) continue;
            if (additional && *additional == Json(false)) refuse_schema(path, fmt::format("\"{}\" is required and not among the properties", name));
            member(name, additional ? *additional : Json(true), path + "/additionalProperties");
        }
        for (Property& p : all) p.needed = needed.contains(p.name);

        // What may follow when nothing has been written, and when something has. Both end with further properties.
        Expression first, next;
        if (additional && *additional != Json(false)) {
            std::vector<std::string> names;
            for (const Property& p : all) names.push_back(p.name);
            if (properties)
                for (const auto& [name, schema] : properties->items()) names.push_back(name);
            const uint32_t extra = rules_.add(path + "/additionalProperties");
            Expression e = json_member(json_string_but(rules_, names), any(*additional, path + "/additionalProperties"));
            rules_[extra] = std::move(e);
            next = repeat(json_next(call(extra)), 0);
            first = optional(sequence({call(extra), next}));
        }
        for (size_t i = all.size(); i-- > 0;) {
            const uint32_t rest = rules_.add(path), begin = rules_.add(path);
            rules_[rest] = std::move(next), rules_[begin] = std::move(first);
            first = sequence({all[i].member, call(rest)}), next = sequence({json_next(all[i].member), call(rest)});
            if (all[i].needed) continue;
            first = choice({std::move(first), call(begin)}), next = choice({std::move(next), call(rest)});
        }
        return json_enclosed("{", std::move(first), "}");
    }

    const Json& root_;
    Rules& rules_;
    JsonValues values_;
    std::map<std::string, uint32_t> places_;
    int depth_ = 0, schemas_ = 0;
};

}  // namespace

uint32_t add_json_schema(Rules& rules, const nlohmann::ordered_json& schema, const std::string& at) try {
    return Compiler(rules, schema).compile(at);
} catch (const nlohmann::json::exception& e) {
    throw Error(Status::invalid_argument, fmt::format("JSON schema: {}", e.what()));
}

Grammar json_schema(const nlohmann::ordered_json& schema) {
    Rules rules;
    rules.root = add_json_schema(rules, schema);
    return Grammar(rules);
}

Grammar json_schema_text(std::string_view text) {
    if (text.size() > most_gbnf_bytes)
        throw Error(Status::invalid_argument, fmt::format("the JSON schema has {} bytes, {} is the most", text.size(), most_gbnf_bytes));
    Json schema;
    try {
        schema = Json::parse(text);
    } catch (const nlohmann::json::exception& e) {
        throw Error(Status::invalid_argument, fmt::format("the JSON schema is no JSON: {}", e.what()));
    }
    return json_schema(schema);
}

Grammar json_object() {
    Rules rules;
    rules.root = JsonValues(rules).object();
    return Grammar(rules);
}

}  // namespace rw::grammar
