// Calls of functions that are asked for: what the grammars of calls accept, and replies that have to be calls.
#include "runtime/serve/call_grammar.h"
#include "runtime/serve/one_call.h"
#include "tests/serve/service_fixture.h"

namespace rw::test {
namespace {

using serve::Json;

const std::string chat = "/v1/chat/completions";
const Json find =
    Json::parse(R"({"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": {
    "type": "object", "required": ["word", "count"], "$defs": {"place": {"type": "string", "enum": ["here", "there"]}},
    "properties": {
        "word": {"type": "string"}, "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "places": {"type": "array", "items": {"$ref": "#/$defs/place"}, "maxItems": 2},
        "unit": {"type": "string", "enum": ["km", "mile"]}, "name": {"type": "string", "maxLength": 4}}}}})");
const Json now = Json::parse(R"({"type": "function", "function": {"name": "now"}})");

bool accepts(const serve::CallRules& rules, const std::string& text) {
    return serve::call_grammar(rules).accepts(text);
}

std::string refusal(const std::string& parameters, bool marks) {
    const Json tool{{"function", {{"name", "f"}, {"parameters", Json::parse(parameters)}}}};
    try {
        serve::call_grammar({.tools = {tool}, .marks = marks});
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(CallGrammar, Json) {
    const serve::CallRules one{.tools = {find, now}};
    const std::string call =
        "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"word\": \"x\", \"count\": 2}}\n</tool_call>";
    const std::string other = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
    EXPECT_TRUE(accepts(one, call));
    EXPECT_TRUE(accepts(one, other));
    EXPECT_FALSE(accepts(one, call + "\n" + other));
    EXPECT_FALSE(accepts(one, "\n\n" + call));
    EXPECT_FALSE(accepts(one, "Well. " + call));
    for (const auto& [from, to] : {std::pair("find", "fund"), {"2}", "12}"}, {", \"count\": 2", ""}, {"\"x\"", "7"}}) {
        std::string bad = call;
        bad.replace(bad.find(from), std::string(from).size(), to);
        EXPECT_FALSE(accepts(one, bad)) << bad;
    }
    EXPECT_TRUE(accepts({.tools = {find, now}, .several = true}, call + "\n" + other + "\n" + call));
    EXPECT_TRUE(accepts({.tools = {now}, .behind_thought = true}, "\n\n" + other));
    EXPECT_FALSE(accepts({.tools = {now}}, call));
}

TEST(CallGrammar, Marks) {
    const serve::CallRules rules{.tools = {find, now}, .marks = true};
    const auto call = [](const std::string& word, const std::string& count, const std::string& more = "") {
        return "<tool_call>\n<function=find>\n<parameter=word>\n" + word + "\n</parameter>\n<parameter=count>\n" +
               count + "\n</parameter>\n" + more + "</function>\n</tool_call>";
    };
    const auto part = [](const std::string& key, const std::string& value) {
        return "<parameter=" + key + ">\n" + value + "\n</parameter>\n";
    };
    for (const char* word : {"x", "", "two\nlines", "a < b", "</parameter", "<</parameter", "</param</parameter x",
                             "</tool_call>", "7 \"\xc3\xa9"})
        EXPECT_TRUE(accepts(rules, call(word, "2"))) << word;
    for (const char* word : {"</parameter>", "x</parameter>", "<</parameter>y"})
        EXPECT_FALSE(accepts(rules, call(word, "2"))) << word;
    for (const char* count : {"0", "10", "two", "\"2\""}) EXPECT_FALSE(accepts(rules, call("x", count))) << count;
    const std::string places = part("places", "[\"here\", \"there\"]"), unit = part("unit", "mile"),
                      name = part("name", "Anna");
    for (const std::string& more : {places, unit, name, places + unit + name, places + name})
        EXPECT_TRUE(accepts(rules, call("x", "1", more))) << more;
    for (const std::string& more : {unit + places, part("unit", "foot"), part("name", "Isabella"), part("other", "1")})
        EXPECT_FALSE(accepts(rules, call("x", "1", more))) << more;
    EXPECT_TRUE(accepts(rules, "<tool_call>\n<function=now>\n</function>\n</tool_call>"));
    // What is accepted is read as it was meant.
    const auto read = serve::parse_call(
        call("12", "2", places + unit).substr(11, call("12", "2", places + unit).size() - 23), {find});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->arguments, R"({"word":"12","count":2,"places":["here","there"],"unit":"mile"})");
}

TEST(CallGrammar, RefusalsNameTheFunctionAndThePlace) {
    for (const bool marks : {false, true}) {
        EXPECT_NE(refusal(R"({"type": "array"})", marks).find("function f: "), std::string::npos);
        EXPECT_NE(refusal(R"({"properties": {"x": {"type": "integer", "multipleOf": 3}}})", marks).find("multipleOf"),
                  std::string::npos);
        EXPECT_EQ(refusal(R"({"properties": {"x": {"type": "string", "format": "date"}}})", marks), "");
        for (const std::string required : {"\"x\"", "{\"a\": \"x\"}", "7", "{}", "null", "[[\"x\"]]", "\"\""}) {
            const std::string said = refusal(R"({"properties": {"x": {}}, "required": )" + required + "}", marks);
            EXPECT_NE(said.find("function f: JSON schema, #: required has to be a list of names"), std::string::npos)
                << required << ": " << said;
        }
        for (const std::string keyword : {"properties", "additionalProperties"})
            for (const std::string value : {"7", "null", "[]", "\"x\""})
                EXPECT_NE(refusal(R"({"type": "object", ")" + keyword + "\": " + value + "}", marks).find("schema, #"),
                          std::string::npos) << keyword << " " << value;
        for (const std::string x : {R"({"type": "string", "enum": {"a": "b"}})", R"({"type": "string", "enum": "b"})",
                                    R"({"type": "string", "enum": []})", R"({"type": "string", "maxLength": "4"})",
                                    R"({"type": "string", "format": 7})", R"({"type": {}})", "7", "[]", "null"})
            EXPECT_NE(refusal(R"({"properties": {"x": )" + x + "}}", marks).find("#/properties/x"), std::string::npos)
                << x;
    }
    EXPECT_NE(refusal(R"({"properties": {"x": {"type": "string", "pattern": "a+"}}})", true).find("#/properties/x"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"properties": {"x>": {"type": "string"}}})", true).find("cannot be in it"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"anyOf": [{"properties": {}}]})", true).find("anyOf"), std::string::npos);
    EXPECT_NE(refusal(R"({"required": ["x"]})", true).find("among the properties"), std::string::npos);
}

TEST(OneCall, EndsBehindACallThatCanBeRead) {
    const Behind b;
    const tokenizer::Tokenizer& tokenizer = b.service.tokenizer;
    const auto ends_behind = [&](const std::string& text) {
        std::shared_ptr<const sample::Constraint> rules = serve::one_call(tokenizer, {.tools = {find, now}});
        std::string said;
        for (const int32_t token : tokenizer.encode(text)) {
            if (!rules->allows(token)) break;
            said += tokenizer.piece(token, true);
            rules = rules->after(token);
        }
        return said;
    };
    const std::string quoted =
        "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"word\": \"</tool_call>\"}}\n</tool_call>";
    const std::string marks =
        "<tool_call>\n<function=find>\n<parameter=word>\n</tool_call>\n</parameter>\n</function>\n</tool_call>";
    for (const std::string& call : {quoted, marks, "Well.\n<tool_call>{oops\n</tool_call>\n" + quoted})
        EXPECT_EQ(ends_behind(call + " and more"), call);
    EXPECT_EQ(ends_behind("no <tool_call> at all"), "no <tool_call> at all");
}

/// Of a forced reply.
Json asked_for(const Json& choice, int tokens = 200) {
    Json asked = question("Where is the king?", tokens);
    asked["tools"] = {find, now}, asked["tool_choice"] = choice;
    return asked;
}
const Json named = {{"type", "function"}, {"function", {{"name", "find"}}}};

void expect_fits(const Json& call) {
    EXPECT_EQ(call["type"], "function");
    EXPECT_FALSE(call["id"].get<std::string>().empty());
    const Json arguments = Json::parse(call["function"]["arguments"].get<std::string>());
    if (call["function"]["name"] == "now") {
        EXPECT_TRUE(arguments.empty());
        return;
    }
    EXPECT_EQ(call["function"]["name"], "find");
    EXPECT_TRUE(arguments["word"].is_string() && arguments["count"].is_number_integer()) << arguments;
}

TEST(Tools, ForcedCallsInEitherFormAreTheSameWithDrafts) {
    for (const char* form : {"json", "marks"}) {
        Behind b({.slots = 3, .waiting = 32}, {.chat_template = chat_template(form)});
        for (const double temperature : {0.0, 1.0}) {
            Json asked = asked_for(named);
            // Without an end of its own this model's texts are long: letters alone come to an end soon.
            asked["tools"][0]["function"]["parameters"]["properties"]["word"] = {{"type", "string"}, {"maxLength", 12}};
            asked["temperature"] = temperature, asked["seed"] = 3,
            asked["chat_template_kwargs"] = {{"enable_thinking", false}};
            if (std::string(form) == "json") asked.erase("chat_template_kwargs");
            asked["speculative"] = {{"n_max", 0}};
            const Json plain = b.json(chat, asked);
            const Json& choice = plain["choices"][0];
            ASSERT_EQ(choice["finish_reason"], "tool_calls") << choice;
            EXPECT_TRUE(choice["message"]["content"].is_null());
            ASSERT_EQ(choice["message"]["tool_calls"].size(), 1u);
            expect_fits(choice["message"]["tool_calls"][0]);
            asked["speculative"] = {{"n_max", 3}};
            const Json drafted = b.json(chat, asked);
            EXPECT_GT(drafted["timings"]["draft_n"], 0);
            EXPECT_EQ(drafted["choices"][0]["message"]["tool_calls"][0]["function"],
                      choice["message"]["tool_calls"][0]["function"]);
        }
    }
}

TEST(Tools, WhatAReplyHasToBe) {
    Behind b({.slots = 3, .waiting = 32}, {.chat_template = chat_template("json")});
    Json required = asked_for("required");
    required["tools"] = {now}, required["parallel_tool_calls"] = false;
    EXPECT_EQ(b.json(chat, required)["choices"][0]["message"]["tool_calls"].size(), 1u);
    required["parallel_tool_calls"] = true, required["max_tokens"] = 120;
    const Json several = b.json(chat, required)["choices"][0]["message"];
    ASSERT_FALSE(several["tool_calls"].empty());
    for (const Json& call : several["tool_calls"]) expect_fits(call);
    const Json free = b.json(chat, asked_for("auto", 24)), none = b.json(chat, asked_for("none", 24));
    EXPECT_FALSE(free["choices"][0]["message"].contains("tool_calls"));         // of itself this model calls nothing
    EXPECT_LT(none["usage"]["prompt_tokens"], free["usage"]["prompt_tokens"]);  // it is not told of them
    Json once = asked_for("auto", 24);
    once["parallel_tool_calls"] = false;
    EXPECT_EQ(b.json(chat, once)["choices"], free["choices"]);
    once["grammar"] = "root ::= \"yes\"";
    EXPECT_EQ(b.json(chat, once, 400)["error"]["param"], "parallel_tool_calls");
    for (const Json& bad : {Json("perhaps"), Json(1)})
        EXPECT_EQ(b.json(chat, asked_for(bad), 400)["error"]["param"], "tool_choice");
    Json other = named;
    other["function"]["name"] = "fund";
    EXPECT_EQ(b.json(chat, asked_for(other), 400)["error"]["param"], "tool_choice.function.name");
    Json formed = asked_for("required");
    formed["response_format"] = {{"type", "json_object"}};
    EXPECT_EQ(b.json(chat, formed, 400)["error"]["param"], "tool_choice");
    Json strange = asked_for("required");
    strange["tools"][0]["function"]["parameters"]["properties"]["count"]["multipleOf"] = 3;
    EXPECT_EQ(b.json(chat, strange, 400)["error"]["param"], "tools");
    Json wrong = asked_for("required");
    wrong["tools"][0]["function"]["parameters"]["required"] = Json::object();
    const Json error = b.json(chat, wrong, 400)["error"];
    EXPECT_EQ(error["param"], "tools");
    EXPECT_EQ(error["message"], "function find: JSON schema, #: required has to be a list of names");
    for (const char* name : {" now", "now\n", "", "find"}) {
        Json named_so = asked_for("auto");
        named_so["tools"][1]["function"]["name"] = name;
        EXPECT_EQ(b.json(chat, named_so, 400)["error"]["param"], "tools[1].function.name");
    }
    Json apart = asked_for("auto");
    apart["tools"][0]["function"]["parameters"]["properties"][" x "] = {{"type", "string"}};
    EXPECT_EQ(b.json(chat, apart, 400)["error"]["param"], "tools[0].function.parameters.properties");
    Json bare = question("x", 4);
    bare["tool_choice"] = "required";
    EXPECT_EQ(b.json(chat, bare, 400)["error"]["param"], "tool_choice");
    Behind plain;
    EXPECT_EQ(plain.json(chat, asked_for("auto"), 400)["error"]["param"], "tools");
}

TEST(Tools, CallsBehindAThought) {
    Behind b({.slots = 3, .waiting = 32}, {.chat_template = chat_template("marks")});
    Json asked = asked_for("required");
    asked["tools"] = {now}, asked["parallel_tool_calls"] = false, asked["reasoning_budget"] = 12;
    const Json message = b.json(chat, asked)["choices"][0]["message"];
    EXPECT_FALSE(message["reasoning_content"].get<std::string>().empty());
    ASSERT_EQ(message["tool_calls"].size(), 1u) << message;
    EXPECT_TRUE(message["content"].is_null());
    std::string thought;
    Json calls = Json::array();
    for (const Json& e : b.events(chat, asked)) {
        const Json& delta = e["choices"][0]["delta"];
        thought += delta.value("reasoning_content", "");
        for (const Json& call : delta.value("tool_calls", Json::array())) calls.push_back(call);
    }
    EXPECT_EQ(thought, message["reasoning_content"]);
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls[0]["index"], 0);
    EXPECT_EQ(calls[0]["function"], message["tool_calls"][0]["function"]);
}

TEST(Tools, ThoughtsHaveABudget) {
    Behind b({.slots = 3, .waiting = 32}, {.chat_template = chat_template("marks")});
    Json asked = question("Who is Isabella?", 40);
    EXPECT_EQ(b.json(chat, asked)["choices"][0]["message"]["content"], "");  // it never ends its thought
    asked["reasoning_budget"] = 10;
    const Json message = b.json(chat, asked)["choices"][0]["message"];
    EXPECT_FALSE(message["reasoning_content"].get<std::string>().empty());
    EXPECT_FALSE(message["content"].get<std::string>().empty());
    asked["reasoning_format"] = "none";
    const std::string whole = b.json(chat, asked)["choices"][0]["message"]["content"];
    EXPECT_EQ(whole.find(message["reasoning_content"].get<std::string>()), 0u);
    EXPECT_NE(whole.find("</think>"), std::string::npos);
    // What was thought before the last question is accepted, and not told again.
    Json talk = question("Who is Isabella?", 8);
    talk["messages"].push_back({{"role", "assistant"}, {"content", "A queen."}, {"reasoning_content", "hm"}});
    talk["messages"].push_back({{"role", "user"}, {"content", "Whose?"}});
    const std::string told = b.json("/apply-template", talk)["prompt"];
    EXPECT_NE(told.find("<|im_start|>assistant\nA queen.<|im_end|>"), std::string::npos) << told;
    talk["messages"][1].erase("content");
    b.json("/apply-template", talk);
    talk["messages"][1].erase("reasoning_content");
    EXPECT_EQ(b.json("/apply-template", talk, 400)["error"]["param"], "messages[1].content");
}

TEST(Tools, ThoughtsStayWhileFunctionsAreCalled) {
    Behind b({.slots = 3, .waiting = 32}, {.chat_template = chat_template("marks")});
    Json talk = question("What time is it?", 8);
    const Json call{{"id", "1"}, {"type", "function"}, {"function", {{"name", "now"}, {"arguments", "{}"}}}};
    talk["messages"].push_back({{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {call}}});
    talk["messages"].push_back({{"role", "tool"}, {"tool_call_id", "1"}, {"content", "noon"}});
    const auto told = [&] { return b.json("/apply-template", talk)["prompt"].get<std::string>(); };
    const std::string begun = "<|im_start|>assistant\n<think>\n";
    const std::string called = "\n</think>\n\n<tool_call>\n<function=now>\n";
    EXPECT_NE(told().find(begun + called), std::string::npos) << told();
    talk["messages"][1]["reasoning_content"] = "\nhm\n";
    EXPECT_NE(told().find(begun + "hm" + called), std::string::npos) << told();
    talk["messages"][1].erase("reasoning_content");
    talk["messages"][1]["content"] = "<think>hm</think>";
    EXPECT_NE(told().find(begun + "hm" + called), std::string::npos) << told();
    talk["messages"][1]["reasoning_content"] = 7;
    EXPECT_EQ(b.json("/apply-template", talk, 400)["error"]["param"], "messages[1].reasoning_content");
}

}  // namespace
}  // namespace rw::test
