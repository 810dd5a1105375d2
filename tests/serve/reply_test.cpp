// A reply told apart while it comes: thoughts, text, calls of functions, however the text is cut into pieces.
#include "runtime/serve/reply.h"

#include <gtest/gtest.h>

namespace rw::test {
namespace {

using serve::Delta;
using serve::Json;
using serve::Reply;

const serve::Tools tools{Json::parse(R"({"type": "function", "function": {"name": "find", "parameters": {"type": "object",
    "properties": {"word": {"type": "string"}, "count": {"type": "integer"}}}}})")};

/// The whole of a reply whose text came in pieces of `n` bytes.
Delta told_apart(const std::string& text, const Reply::Form& form, size_t n) {
    Reply reply(form);
    Delta all;
    const auto add = [&](const Delta& delta) {
        all.content += delta.content, all.reasoning += delta.reasoning;
        all.calls.insert(all.calls.end(), delta.calls.begin(), delta.calls.end());
    };
    for (size_t at = 0; at < text.size(); at += n) add(reply.push(text.substr(at, n)));
    add(reply.finish());
    EXPECT_EQ(reply.called(), !all.calls.empty());
    return all;
}

void expect(const std::string& text, const Reply::Form& form, const std::string& reasoning, const std::string& content,
            const std::vector<std::pair<std::string, std::string>>& calls = {}) {
    for (const size_t n : {size_t(1), size_t(2), size_t(3), size_t(7), text.size() + 1}) {
        const Delta all = told_apart(text, form, n);
        EXPECT_EQ(all.reasoning, reasoning) << text << " by " << n;
        EXPECT_EQ(all.content, content) << text << " by " << n;
        ASSERT_EQ(all.calls.size(), calls.size()) << text << " by " << n;
        for (size_t i = 0; i < calls.size(); ++i) {
            EXPECT_EQ(all.calls[i].name, calls[i].first);
            EXPECT_EQ(all.calls[i].arguments, calls[i].second);
        }
    }
}

TEST(Reply, TextIsText) {
    expect("Hello\n\nyou <b>there</b>\n", {}, "", "Hello\n\nyou <b>there</b>\n");
    expect("", {}, "", "");
    expect("<tool_call>{}</tool_call>", {}, "", "<tool_call>{}</tool_call>");  // nobody offered a function
    expect("a < b <thi", {.tools = tools}, "", "a < b <thi");
}

TEST(Reply, Thoughts) {
    expect("hm\nhm\n</think>\n\nSo.", {.thinking = true}, "hm\nhm", "So.");
    expect("<think>\nhm\n</think>\n\nSo.", {}, "hm", "So.");
    expect("\n<think>hm</think>So.", {}, "hm", "So.");
    expect("<thin air", {}, "", "<thin air");
    expect("never ends </thi", {.thinking = true}, "never ends </thi", "");
    expect("<think>hm</think>So.", {.apart = false}, "", "<think>hm</think>So.");
    expect("So. <think>later</think>", {}, "", "So. <think>later</think>");
}

TEST(Reply, CallsAsJson) {
    const std::string call = "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"word\": \"x\", \"count\": 2}}\n</tool_call>";
    const std::string arguments = R"({"word":"x","count":2})";
    expect(call, {.tools = tools}, "", "", {{"find", arguments}});
    expect("Well.\n" + call + "\n" + call, {.tools = tools}, "", "Well.", {{"find", arguments}, {"find", arguments}});
    expect("hm\n</think>\n\n" + call, {.thinking = true, .tools = tools}, "hm", "", {{"find", arguments}});
    expect("<tool_call>{\"name\": \"find\"}</tool_call>", {.tools = tools}, "", "", {{"find", "{}"}});
}

TEST(Reply, CallsInMarks) {
    expect("<tool_call>\n<function=find>\n<parameter=word>\n12\n</parameter>\n<parameter=count>\n12\n</parameter>\n"
           "</function>\n</tool_call>",
           {.tools = tools}, "", "", {{"find", R"({"word":"12","count":12})"}});
    expect("<tool_call><function=find><parameter=word>two\nlines</parameter></function></tool_call>", {.tools = tools}, "",
           "", {{"find", R"({"word":"two\nlines"})"}});
    expect("<tool_call><function=other><parameter=x>[1, 2]</parameter><parameter=y>{bad</parameter></function></tool_call>",
           {.tools = tools}, "", "", {{"other", R"({"x":[1,2],"y":"{bad"})"}});
}

TEST(Reply, MarksWithinValues) {
    expect("<tool_call>\n{\"name\": \"find\", \"arguments\": {\"word\": \"a\\\"</tool_call>b\"}}\n</tool_call>",
           {.tools = tools}, "", "", {{"find", R"({"word":"a\"</tool_call>b"})"}});
    expect("<tool_call><function=find><parameter=word>\nx</tool_call>\n</parameter></function></tool_call> end",
           {.tools = tools}, "", " end", {{"find", R"({"word":"x</tool_call>"})"}});
    expect("<tool_call><function=find><parameter=list>[\"</parameter>\"]</parameter></function></tool_call>",
           {.tools = tools}, "", "", {{"find", R"({"list":["</parameter>"]})"}});
    expect("<tool_call><function=find><parameter=size>5\"</parameter></function></tool_call>", {.tools = tools}, "", "",
           {{"find", R"({"size":"5\""})"}});
}

TEST(Reply, JsonInMarksMayHaveAllTheMarks) {
    const std::string open = "<tool_call>\n<function=find>\n<parameter=x>\n",
                      close = "\n</parameter>\n</function>\n</tool_call>";
    expect(open + "\"</parameter></tool_call>\"" + close + " end", {.tools = tools}, "", " end",
           {{"find", R"({"x":"</parameter></tool_call>"})"}});
    expect(open + R"(["\"</parameter></function></tool_call>", "<parameter=y>"])" + close, {.tools = tools}, "", "",
           {{"find", R"({"x":["\"</parameter></function></tool_call>","<parameter=y>"]})"}});
    expect(open + "[\"open" + close + " end" + open + "1" + close, {.tools = tools}, "", " end",
           {{"find", R"({"x":"[\"open"})"}, {"find", R"({"x":1})"}});
    expect(open + "say \"hi" + close + "x</parameter>", {.tools = tools}, "", "x</parameter>",
           {{"find", R"({"x":"say \"hi"})"}});
}

TEST(Reply, CallsBehindWhatCannotBeRead) {
    const std::string call = "<tool_call>\n{\"name\": \"find\", \"arguments\": {}}\n</tool_call>";
    for (const std::string bad :
         {"<tool_call>", "Use `<tool_call>` to call.", "<tool_call>\n{oops", "<tool_call>\n{oops\n</tool_call>",
          "<tool_call>\n{\"oops\n</tool_call>", "<tool_call>\n<function=x>"})
        expect(bad + "\n" + call + " and more", {.tools = tools}, "", bad + " and more", {{"find", "{}"}});
    Reply reply({.tools = tools});
    reply.push("<tool_call>\n{\"oops\n</tool_call>");
    EXPECT_EQ(reply.push(call).calls.size(), 1u);  // it is not kept back for what went wrong before
}

TEST(Reply, CallsThatCannotBeReadAreText) {
    for (const char* bad : {"<tool_call>\nfind x\n</tool_call>", "<tool_call>{\"name\": 1}</tool_call>",
                            "<tool_call>{\"name\": \"find\", \"arguments\": [1]}</tool_call>", "<tool_call>{\"name\": \"find\"",
                            "<tool_call><function=find><parameter=word>x</function></tool_call>"})
        expect(bad, {.tools = tools}, "", bad);
}

}  // namespace
}  // namespace rw::test
