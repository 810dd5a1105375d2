// JSON schemas as grammars: what they accept and refuse, and that every text drawn from one fits the schema.
#include "runtime/grammar/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "runtime/tokenizer/unicode.h"
#include "tests/runtime/grammar_fixture.h"

namespace rw::test {
namespace {

using grammar::json_schema_text;
using nlohmann::json;
using Texts = std::vector<std::string>;

struct Case {
    const char* schema;
    Texts accepted, rejected;
};

void check(std::initializer_list<Case> cases) {
    for (const Case& c : cases) {
        SCOPED_TRACE(c.schema);
        const grammar::Grammar grammar = json_schema_text(c.schema);
        for (const std::string& text : c.accepted) EXPECT_TRUE(grammar.accepts(text)) << text;
        for (const std::string& text : c.rejected) EXPECT_FALSE(grammar.accepts(text)) << text;
    }
}

TEST(JsonSchema, Types) {
    check({
        {R"({"type":"string"})", {R"("")", R"("a\n\"\u00e9\ud83d\ude00 é😀")"}, {"a", "\"", "\"\n\"", R"("\ud83d")", R"("\x")", "1", " \"\""}},
        {R"({"type":"integer"})", {"0", "-12", "1234567890123456"}, {"01", "1.5", "-", "12345678901234567", "+1"}},
        {R"({"type":"number"})", {"0", "-1.5", "2e10", "1.25E-3"}, {".5", "1.", "1e999", "NaN"}},
        {R"({"type":["boolean","null"]})", {"true", "false", "null"}, {"True", "0"}},
        {R"({"type":["integer","number"]})", {"1", "1.5"}, {"x"}},
        {"true", {"1", "[1,{\"a\":null}]", "\"x\""}, {"", "[1,]", "{a:1}"}},
        {"{}", {"1", "{}"}, {"", "]"}},
        {R"({"enum":["a",1,null,{"b":[true]}]})", {"\"a\"", "1", "null", R"({"b":[true]})"}, {"\"b\"", "2", ""}},
        {R"({"type":"integer","enum":["a",1,2.5,3.0]})", {"1", "3.0"}, {"\"a\"", "2.5"}},
        {R"({"const":"x\"y"})", {R"("x\"y")"}, {"\"x\""}},
        {R"({"title":"t","description":"d","default":1,"examples":[1],"$schema":"s","$comment":"c","type":"null"})", {"null"}, {"1"}},
    });
}

TEST(JsonSchema, Objects) {
    check({
        {R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"},"c":{}},"required":["b"]})",
         {R"({"b":1})", R"({"b": 1, "a": "x"})", "{\n  \"b\": 1,\n  \"c\": [true]\n}", R"({ "b":1,"a":"","c":{} })"},
         {"{}", R"({"a":"x","b":1})", R"({"b":1,})", R"({"b":1,"d":2})", R"({"b":1 ,"a":""})", "{\"b\":  1}", "{\"b\":\"1\"}"}},
        {R"({"properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}}})",
         {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"c":3})", R"({"b":2,"c":3})"}, {R"({"c":3,"a":1})", R"({,"a":1})", R"({"a":1,"a":1})"}},
        {R"({"type":"object"})", {"{}", R"({"x":{"y":[]}})"}, {"[]"}},
        {R"({"type":"object","properties":{"ab":{"const":1}},"additionalProperties":{"type":"boolean"}})",
         {"{}", R"({"ab":1})", R"({"ab":1,"a":true,"abc":false,"":true})", R"({"b":true,"c":true})"},
         {R"({"ab":true})", R"({"a":true,"ab":true})", R"({"x":1})", R"({"a":true,"ab":1})", R"({"\u0061b":true})"}},
        {R"({"type":"object","properties":{"a":{}},"additionalProperties":false,"required":[]})", {"{}", R"({"a":2})"}, {R"({"b":2})"}},
        {R"({"required":["x"],"additionalProperties":{"const":0}})", {R"({"x":0})", R"({"x":0,"y":0})"}, {"{}", R"({"y":0})", R"({"x":1})"}},
        {R"({"properties":{"a":false,"b":{"const":1}}})", {"{}", R"({"b":1})"}, {R"({"a":1})"}},
        {R"({"properties":{"k\"\n/":{"const":1}},"required":["k\"\n/"]})", {R"({"k\"\n/":1})"}, {"{}"}},
    });
}

TEST(JsonSchema, Arrays) {
    check({
        {R"({"type":"array","items":{"type":"integer"}})", {"[]", "[1]", "[1, 2,3]", "[\n\t1,\n\t2\n]"}, {"[1 2]", "[,]", "[\"a\"]", "["}},
        {R"({"type":"array","items":{"const":1},"minItems":2,"maxItems":3})", {"[1,1]", "[1,1,1]"}, {"[]", "[1]", "[1,1,1,1]"}},
        {R"({"items":{"const":1},"maxItems":0})", {"[]"}, {"[1]"}},
        {R"({"prefixItems":[{"const":1},{"const":2}]})", {"[]", "[1]", "[1,2]"}, {"[2]", "[1,2,3]"}},
        {R"({"prefixItems":[{"const":1},{"const":2}],"items":{"const":3},"minItems":1,"maxItems":4})",
         {"[1]", "[1,2]", "[1,2,3]", "[1,2,3,3]"}, {"[]", "[1,3]", "[1,2,3,3,3]"}},
        {R"({"prefixItems":[{"const":1}],"items":{"const":3},"minItems":3})", {"[1,3,3]", "[1,3,3,3]"}, {"[1,3]"}},
        {R"({"prefixItems":[{"const":1},{"const":2}],"items":false,"maxItems":1})", {"[]", "[1]"}, {"[1,2]"}},
        {R"({"type":"array","minItems":1,"maxItems":300,"uniqueItems":false})", {"[0]", "[[],{}]"}, {"[]"}},
    });
}

TEST(JsonSchema, Strings) {
    check({
        {R"({"type":"string","minLength":2,"maxLength":3})", {R"("ab")", R"("é😀\n")", R"("\ud83d\ude00a")"}, {R"("a")", R"("abcd")", R"("\n")"}},
        {R"({"minLength":200})", {'"' + std::string(200, 'x') + '"'}, {'"' + std::string(199, 'x') + '"'}},
        {R"({"pattern":"^[a-c]{2,3}\\d?(x|yz)+$"})", {R"("abx")", R"("abc7xyz")"}, {R"("ax")", R"("ab")", R"("abx7")"}},
        {R"({"pattern":"^\"\\\\\\s$"})", {R"("\"\\ ")", R"("\"\\\t")"}, {R"("")"}},
        {R"({"pattern":"b+"})", {R"("b")", R"("abc")"}, {R"("ac")"}},
        {R"({"pattern":"^a|b$"})", {R"("ac")", R"("cb")"}, {R"("ca")"}},
        {R"({"pattern":"^[^a-z]*?.$"})", {R"("Ax")", R"("\"")"}, {R"("ab")", R"("")", R"("\n")"}},
        {R"({"pattern":"^(?:[\\w.-]{1,500}@)\\x41\\u00e9$"})", {R"("a.b-c@Aé")"}, {R"("@Aé")"}},
        {R"({"type":"string","format":"date"})", {R"("2024-02-29")", R"("1999-12-31")", R"("2000-02-29")"},
         {R"("2023-02-29")", R"("1900-02-29")", R"("2023-13-01")", R"("2023-04-31")", R"("2023-1-1")"}},
        {R"({"format":"time"})", {R"("23:59:59Z")", R"("00:00:00.125+01:30")"}, {R"("24:00:00Z")", R"("12:00Z")", R"("12:00:00")"}},
        {R"({"format":"date-time"})", {R"("2024-01-31T10:00:00Z")"}, {R"("2024-01-31 10:00:00Z")"}},
        {R"({"format":"uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"}, {R"("123e4567e89b12d3a456426614174000")"}},
    });
}

TEST(JsonSchema, NumbersWithinBounds) {
    std::mt19937 dice(1);
    const int64_t ends[] = {-1000, -123, -100, -99, -10, -7, -1, 0, 1, 5, 9, 10, 19, 99, 100, 101, 345, 1000};
    for (int round = 0; round < 80; ++round) {
        int64_t a = ends[dice() % std::size(ends)], b = ends[dice() % std::size(ends)];
        if (a > b) std::swap(a, b);
        const bool open_a = dice() % 2, open_b = dice() % 2;
        if (b - a < 2) continue;
        const json bounds{{open_a ? "exclusiveMinimum" : "minimum", a}, {open_b ? "exclusiveMaximum" : "maximum", b}};
        for (const char* type : {"integer", "number"}) {
            json schema = bounds;
            schema["type"] = type;
            const grammar::Grammar grammar = json_schema_text(schema.dump());
            for (int64_t n = -1100; n <= 1100; n += 1 + int64_t(dice() % 5)) {
                const bool fits = (open_a ? n > a : n >= a) && (open_b ? n < b : n <= b);
                ASSERT_EQ(grammar.accepts(std::to_string(n)), fits) << schema << " " << n;
                if (type[0] == 'i' || n == 0) continue;
                const double half = double(n) + (n > 0 ? 0.5 : -0.5);
                ASSERT_EQ(grammar.accepts(std::to_string(n) + ".5"), double(a) < half && half < double(b)) << schema << " " << half;
                ASSERT_EQ(grammar.accepts(std::to_string(n) + ".0"), fits) << schema << " " << n;
            }
        }
    }
    check({
        {R"({"type":"integer","minimum":5})", {"5", "1234567890123456"}, {"4", "-6", "12345678901234567"}},
        {R"({"type":"integer","maximum":-5})", {"-5", "-1234"}, {"-4", "0", "5"}},
        {R"({"type":"number","exclusiveMinimum":0})", {"0.001", "1", "12.5"}, {"0", "0.0", "-1"}},
        {R"({"type":"number","minimum":0,"maximum":1})", {"0", "0.5", "1", "1.0", "0.000"}, {"1.01", "-0.1", "2"}},
        {R"({"type":"number","exclusiveMinimum":-1,"exclusiveMaximum":0})", {"-0.5", "-0.01"}, {"0", "-0", "-1", "-1.0", "0.5"}},
    });
}

TEST(JsonSchema, Combinations) {
    check({
        {R"({"anyOf":[{"type":"string"},{"type":"null"}],"title":"t"})", {"\"a\"", "null"}, {"1"}},
        {R"({"oneOf":[{"type":"integer","minimum":3},{"type":"boolean"}]})", {"3", "true"}, {"2"}},
        {R"({"type":"object","properties":{"k":{"type":"integer"}},"anyOf":[{"required":["k"]},{"properties":{"l":{"const":1}},"required":["l"]}]})",
         {R"({"k":1})", R"({"l":1})", R"({"k":2,"l":1})"}, {"{}"}},
        {R"({"allOf":[{"properties":{"a":{"type":"number"}},"required":["a"]},{"properties":{"b":{},"a":{"type":"integer"}},"required":["b"]}]})",
         {R"({"a":1,"b":2})"}, {R"({"a":1.5,"b":2})", R"({"a":1})"}},
        {R"({"allOf":[{"minimum":1,"maximum":8},{"minimum":3,"type":"integer"}]})", {"3", "8"}, {"2", "9"}},
        {R"({"$defs":{"node":{"type":"object","properties":{"v":{"const":1},"next":{"$ref":"#/$defs/node"}},"required":["v"]}},"$ref":"#/$defs/node"})",
         {R"({"v":1})", R"({"v":1,"next":{"v":1,"next":{"v":1}}})"}, {R"({"next":{}})"}},
        {R"({"type":"array","items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[1]"}},
        {R"({"definitions":{"s":{"enum":["x","y"]}},"properties":{"p":{"$ref":"#/definitions/s","description":"d"}}})", {R"({"p":"x"})"}, {R"({"p":"z"})"}},
        {R"({"$defs":{"a":{"properties":{"x":{"const":1}},"required":["x"]}},"allOf":[{"$ref":"#/$defs/a"}],"properties":{"y":{"const":2}}})",
         {R"({"y":2,"x":1})"}, {R"({"y":2})"}},
    });
}

TEST(JsonSchema, RefusesByName) {
    const std::pair<const char*, const char*> cases[] = {
        {"{", "is no JSON"},
        {"3", "#: a schema has to be an object, true or false"},
        {"false", "nothing fits false"},
        {R"({"type":"strin"})", "type \"strin\""},
        {R"({"type":[]})", "type is an empty list"},
        {R"({"type":"object","properties":{"a~/b":{"type":"string","contentEncoding":"x"}}})", "#/properties/a~0~1b: \"contentEncoding\" is not supported for type string"},
        {R"({"not":{}})", "\"not\" is not supported"},
        {R"({"if":{},"type":"object"})", "\"if\" is not supported for type object"},
        {R"({"type":"object","patternProperties":{}})", "\"patternProperties\""},
        {R"({"type":"object","minProperties":1,"properties":{"a":{}}})", "\"minProperties\""},
        {R"({"type":"array","uniqueItems":true})", "\"uniqueItems\""},
        {R"({"type":"array","contains":{}})", "\"contains\""},
        {R"({"type":"array","items":[{}]})", "write prefixItems"},
        {R"({"type":"array","minItems":3,"maxItems":2})", "more items are needed"},
        {R"({"type":"array","minItems":-1})", "minItems is -1"},
        {R"({"type":"integer","multipleOf":2})", "\"multipleOf\" is not supported for type integer"},
        {R"({"type":"number","minimum":0.5})", "minimum 0.5: bounds are whole numbers"},
        {R"({"type":"integer","minimum":1e30})", "bounds are whole numbers"},
        {R"({"type":"integer","minimum":3,"exclusiveMaximum":3})", "no number lies between"},
        {R"({"type":"string","minimum":3})", "\"minimum\" is not supported for type string"},
        {R"({"type":"string","format":"email"})", "format \"email\" is not supported"},
        {R"({"type":"string","pattern":"^a(?=b)$"})", "a group that begins with (?"},
        {R"({"type":"string","pattern":"(a"})", "a group without its end"},
        {R"g({"type":"string","pattern":"a)"})g", "a parenthesis too many"},
        {R"({"type":"string","pattern":"^(a)\\1$"})", "this escape"},
        {R"({"type":"string","pattern":"a\\b"})", "this escape"},
        {R"({"type":"string","pattern":"*"})", "'*' here"},
        {R"({"type":"string","pattern":"a$b"})", "^ or $ in the middle"},
        {R"({"type":"string","pattern":"^a$","maxLength":2})", "not supported beside one another"},
        {R"({"type":"string","maxLength":9999999})", "maxLength is 9999999"},
        {R"({"enum":[]})", "enum has to be a list"},
        {R"({"enum":["a"],"minLength":1})", "\"minLength\" is not supported beside enum or const"},
        {R"({"type":"integer","enum":["a"]})", "no value of enum is of the type"},
        {R"({"properties":{"a":{}},"items":{}})", "a type is needed"},
        {R"({"$ref":"#/$defs/x"})", "leads nowhere"},
        {R"({"$ref":"http://x/y"})", "only places of the same schema"},
        {R"({"$ref":"#"})", "rule '#' never comes to an end"},
        {R"({"properties":{"a":{"$ref":"#"}},"required":["a"]})", "never comes to an end"},
        {R"({"anyOf":[]})", "anyOf has to be a list"},
        {R"({"allOf":[{"type":"string"},{"type":"integer"}]})", "nothing fits all of it"},
        {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", "parts of it differ in \"pattern\""},
        {R"({"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]})", "would be about \"b\""},
        {R"({"required":["a"],"additionalProperties":false})", "\"a\" is required and not among the properties"},
        {R"({"required":"a"})", "required has to be a list of names"},
        {R"({"required":{}})", "#: required has to be a list of names"},
        {R"({"properties":{"a":{"required":null}}})", "#/properties/a: required has to be a list of names"},
        {R"({"required":[["a"]]})", "required has to be a list of names"},
        {R"({"allOf":[{"type":"object"},{"required":{}}]})", "required has to be a list of names"},
        {R"({"enum":{"a":"x"}})", "enum has to be a list"},
        {R"({"enum":{"a":"x"},"const":"x"})", "enum has to be a list"},
    };
    for (const auto& [schema, message] : cases) {
        const std::string said = refusal([&] { json_schema_text(schema); });
        EXPECT_NE(said.find(message), std::string::npos) << schema << "\nsays: " << said;
    }
    std::string deep;
    for (int i = 0; i < 5000; ++i) deep += "{\"items\":";
    EXPECT_NE(refusal([&] { json_schema_text(deep + "{}" + std::string(5000, '}')); }).find("levels of nesting"), std::string::npos);
    // Everything twice at every level: refused, not grown.
    EXPECT_NE(refusal([&] {
        json_schema_text(R"({"$defs":{"t":{"properties":{"l":{"allOf":[{"$ref":"#/$defs/t"},{"title":"x"}]},"r":{"allOf":[{"$ref":"#/$defs/t"},{"title":"y"}]}}}},"$ref":"#/$defs/t"})");
    }).find("too much of it"), std::string::npos);
}

/// As much of the standard as the schemas below use.
bool fits(const json& root, const json& schema, const json& value) {
    if (schema.is_boolean()) return schema.get<bool>();
    const auto of_type = [&](const std::string& type) {
        if (type == "integer") return value.is_number_integer();
        if (type == "number") return value.is_number();
        return type == value.type_name();
    };
    for (const auto& [key, rule] : schema.items()) {
        bool ok = true;
        const auto any = [&](const auto& f) { return std::any_of(rule.begin(), rule.end(), f); };
        if (key == "type") ok = rule.is_array() ? any([&](const json& t) { return of_type(t); }) : of_type(rule);
        else if (key == "$ref") ok = fits(root, root.at(json::json_pointer(rule.get<std::string>().substr(1))), value);
        else if (key == "anyOf" || key == "oneOf") ok = any([&](const json& s) { return fits(root, s, value); });
        else if (key == "allOf") ok = !any([&](const json& s) { return !fits(root, s, value); });
        else if (key == "enum") ok = any([&](const json& v) { return v == value; });
        else if (key == "const") ok = value == rule;
        else if (key == "minimum" && value.is_number()) ok = value >= rule;
        else if (key == "maximum" && value.is_number()) ok = value <= rule;
        else if (key == "exclusiveMinimum" && value.is_number()) ok = value > rule;
        else if (key == "pattern" && value.is_string()) ok = std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
        else if ((key == "minLength" || key == "maxLength") && value.is_string()) {
            const std::string s = value;
            size_t n = 0;
            for (size_t i = 0; i < s.size(); ++n) i += tokenizer::character_at(s, i).bytes;
            ok = key == "minLength" ? n >= rule.get<size_t>() : n <= rule.get<size_t>();
        } else if (value.is_array()) {
            const size_t listed = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
            if (key == "minItems") ok = value.size() >= rule.get<size_t>();
            else if (key == "maxItems") ok = value.size() <= rule.get<size_t>();
            else if (key == "items") for (size_t i = listed; i < value.size(); ++i) ok &= fits(root, rule, value[i]);
            else if (key == "prefixItems") for (size_t i = 0; i < std::min(listed, value.size()); ++i) ok &= fits(root, rule[i], value[i]);
        } else if (value.is_object()) {
            if (key == "required") for (const json& name : rule) ok &= value.contains(name.get<std::string>());
            else if (key == "properties") for (const auto& [name, s] : rule.items()) ok &= !value.contains(name) || fits(root, s, value[name]);
            else if (key == "additionalProperties") for (const auto& [name, v] : value.items())
                ok &= (schema.contains("properties") && schema["properties"].contains(name)) || fits(root, rule, v);
        }
        if (!ok) return false;
    }
    return true;
}

const char* const drawn[] = {
    R"({"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":12},"age":{"type":"integer","minimum":0,"maximum":130},
        "tags":{"type":"array","items":{"enum":["red","green","dark blue"]},"minItems":1,"maxItems":4},"note":{"anyOf":[{"type":"string"},{"type":"null"}]}},
        "required":["name","age"]})",
    R"({"$defs":{"tree":{"type":"object","properties":{"value":{"type":"number","exclusiveMinimum":-2,"maximum":7},"children":{"type":"array","items":{"$ref":"#/$defs/tree"},"maxItems":2}},"required":["value"]}},"$ref":"#/$defs/tree"})",
    R"({"type":"object","properties":{"id":{"pattern":"^[A-Z]{2}-\\d{3,5}$"},"ok":{"type":"boolean"}},"required":["id"],"additionalProperties":{"type":["integer","null"]}})",
    R"({"type":"array","prefixItems":[{"const":"point"},{"type":"number"}],"items":{"oneOf":[{"type":"string","pattern":"x+"},{"type":"array","items":{"type":"boolean"}}]},"minItems":2,"maxItems":5})",
    R"({"allOf":[{"type":"object","properties":{"a":{"type":"string","minLength":3}},"required":["a"]},{"properties":{"b":{"type":"integer","minimum":-50,"maximum":-3}},"required":["b"]}]})",
    R"({"type":"object","properties":{"any":{},"list":{"type":"array","minItems":1}},"required":["any","list"]})",
};

TEST(JsonSchema, WhatIsDrawnFits) {
    std::mt19937 dice(5);
    std::set<std::string> different;
    for (const char* schema : drawn) {
        const grammar::Grammar grammar = json_schema_text(schema);
        const ConstraintPtr start = constraint_of(grammar);
        for (int i = 0; i < 12; ++i) {
            const std::string text = random_text(start, *demo_trie(), dice, 40, {"]", "}", "x", "\"", ""});
            EXPECT_TRUE(grammar.accepts(text)) << text;
            const json value = json::parse(text, nullptr, false);
            ASSERT_FALSE(value.is_discarded()) << text;
            EXPECT_TRUE(fits(json::parse(schema), json::parse(schema), value)) << schema << "\n" << text;
            different.insert(text);
        }
    }
    EXPECT_GT(different.size(), 50u);
    EXPECT_FALSE(fits({}, json::parse(drawn[0]), json::parse(R"({"name":"","age":3})")));  // it can say no
}

TEST(JsonObject, WhatIsDrawnIsJson) {
    const grammar::Grammar grammar = grammar::json_object();
    EXPECT_FALSE(grammar.accepts("[]"));
    EXPECT_TRUE(grammar.accepts(R"({"a": [1, 2.5e3, {"b": "\u00e9"}], "c": null})"));
    EXPECT_FALSE(grammar.accepts("{\"a\":\n\n1}"));
    EXPECT_TRUE(grammar.accepts(std::string(R"({"a":)") + std::string(20'000, '[') + std::string(20'000, ']') + "}"));
    std::mt19937 dice(6);
    const ConstraintPtr start = constraint_of(grammar);
    for (int i = 0; i < 20; ++i) {
        const std::string text = random_text(start, *demo_trie(), dice, 60);
        const json value = json::parse(text, nullptr, false);
        EXPECT_TRUE(value.is_object()) << text;
    }
}

}  // namespace
}  // namespace rw::test
