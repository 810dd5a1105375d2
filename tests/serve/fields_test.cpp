// Every field has a type and a range, and what is refused is named.
#include "runtime/serve/fields.h"

#include <gtest/gtest.h>

#include "runtime/serve/http.h"

namespace rw::test {
namespace {

using serve::Fields;
using serve::Json;
using serve::Problem;

/// "status param: message", or "" when nothing is thrown.
template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (const Problem& p) {
        return std::to_string(p.status) + " " + p.param + ": " + p.what();
    }
    return "";
}

TEST(Fields, WholeNumbers) {
    const Json body = Json::parse(R"({"a": 7, "b": 7.0, "c": 7.5, "d": "7", "e": 1e300, "f": 18446744073709551615, "g": -1,
                                      "h": null, "i": true, "j": -9223372036854775808})");
    const Fields f(body);
    EXPECT_EQ(f.integer("a", 0, 0, 10), 7);
    EXPECT_EQ(f.integer("b", 0, 0, 10), 7);
    EXPECT_EQ(f.integer("h", 3, 0, 10), 3);
    EXPECT_EQ(f.integer("none", 4, 0, 10), 4);
    EXPECT_EQ(f.integer("j", 0, INT64_MIN, INT64_MAX), INT64_MIN);
    for (const char* name : {"c", "d", "e", "f", "g", "i", "j"})
        EXPECT_EQ(refusal([&] { f.integer(name, 0, 0, 10); }).substr(0, 6), std::string("400 ") + name + ":") << name;
    EXPECT_EQ(refusal([&] { f.integer("g", 0, 0, 10); }), "400 g: g is -1; a whole number from 0 to 10 is expected");
    EXPECT_NE(refusal([&] { f.integer("f", 0, 0, INT64_MAX); }), "");
}

TEST(Fields, OtherTypes) {
    const Json body = Json::parse(R"({"x": 1.5, "s": "text", "b": false, "o": {"k": 2}, "l": ["a", "b"], "n": [""]})");
    const Fields f(body);
    EXPECT_EQ(f.number("x", 0, 0, 2), 1.5);
    EXPECT_NE(refusal([&] { f.number("x", 0, 0, 1); }), "");
    EXPECT_NE(refusal([&] { f.number("s", 0, 0, 1); }), "");
    EXPECT_EQ(f.text("s", ""), "text");
    EXPECT_NE(refusal([&] { f.text("s", "", 3); }), "");
    EXPECT_NE(refusal([&] { f.text("x", ""); }), "");
    EXPECT_FALSE(f.flag("b", true));
    EXPECT_NE(refusal([&] { f.flag("x", true); }), "");
    EXPECT_EQ(refusal([&] { f.object("o").integer("k", 0, 0, 1); }), "400 o.k: o.k is 2; a whole number from 0 to 1 is expected");
    EXPECT_NE(refusal([&] { f.object("l"); }), "");
    EXPECT_EQ(f.object("none").integer("k", 5, 0, 9), 5);
    EXPECT_EQ(f.texts("s", 4), (std::vector<std::string>{"text"}));
    EXPECT_EQ(f.texts("l", 4), (std::vector<std::string>{"a", "b"}));
    EXPECT_NE(refusal([&] { f.texts("l", 1); }), "");
    EXPECT_NE(refusal([&] { f.texts("n", 4); }), "");
    EXPECT_EQ(f.choice("s", "", {"text", "json"}), "text");
    EXPECT_NE(refusal([&] { f.choice("s", "", {"json"}); }), "");
}

TEST(Fields, Bodies) {
    EXPECT_EQ(serve::parsed("{\"a\": 1}")["a"], 1);
    for (const char* bad : {"", "{", "[1]", "7", "{\"a\": \"\xff\"}", "{\"a\": 1} x"})
        EXPECT_EQ(refusal([&] { serve::parsed(bad); }).substr(0, 5), "400 :") << bad;
    EXPECT_NE(refusal([] { serve::parsed("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}"); }), "");
    std::string wide = "{\"k\": 0";
    for (int i = 0; i < 3000; ++i) wide += ", \"k" + std::to_string(i) + "\": 0";
    EXPECT_NE(refusal([&] { serve::parsed(wide + "}"); }), "");
}

TEST(Fields, ProblemsAsOpenAiHasThem) {
    const Json body = serve::body_of(serve::bad("top_p", "no"));
    EXPECT_EQ(body["error"]["message"], "no");
    EXPECT_EQ(body["error"]["type"], "invalid_request_error");
    EXPECT_EQ(body["error"]["param"], "top_p");
    EXPECT_TRUE(serve::body_of(Problem(500, "x"))["error"]["param"].is_null());
    EXPECT_EQ(serve::problem_of(Error(Status::range, "x")).status, 400);
    EXPECT_EQ(serve::problem_of(Error(Status::device_lost, "x")).status, 500);
    EXPECT_EQ(serve::dumped(Json("\xff")), "\"\xef\xbf\xbd\"");
}

TEST(Http, KeysAreCompared) {
    EXPECT_TRUE(serve::same_key("abc", "abc"));
    for (const char* other : {"", "ab", "abcd", "abd", "abcabc"}) EXPECT_FALSE(serve::same_key("abc", other)) << other;
    EXPECT_FALSE(serve::same_key("", "x"));
}

}  // namespace
}  // namespace rw::test
