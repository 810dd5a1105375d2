// What ends a text, and what bounds its thinking, token by token.
#include "runtime/sample/stops.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rewind/ops/contract.h"
#include "runtime/sample/random.h"
#include "runtime/sample/thinking.h"
#include "tests/runtime/tokenizer_fixture.h"

namespace rw::test {
namespace {

using Tokens = std::vector<int32_t>;

/// Tokens are numbered pieces.
const std::vector<std::string> pieces{"a", "b", "ab", "aba", "", "c", "bc", "aab", "\xc3", "\xa9"};
std::string_view piece(int32_t token) { return pieces.at(size_t(token)); }

/// Byte by byte: the first byte at which a string is complete, of several the longest.
std::optional<std::pair<size_t, size_t>> slow_stop(const std::string& text, const std::vector<std::string>& stops) {
    for (size_t end = 1; end <= text.size(); ++end) {
        std::optional<std::pair<size_t, size_t>> found;  // begin, which
        for (size_t i = 0; i < stops.size(); ++i)
            if (stops[i].size() <= end && text.compare(end - stops[i].size(), stops[i].size(), stops[i]) == 0)
                if (!found || end - stops[i].size() < found->first) found = {end - stops[i].size(), i};
        if (found) return found;
    }
    return {};
}

size_t slow_certain(const std::string& text, const std::vector<std::string>& stops) {
    size_t held = 0;
    for (const std::string& s : stops)
        for (size_t n = 1; n < s.size() && n <= text.size(); ++n)
            if (text.ends_with(s.substr(0, n))) held = std::max(held, n);
    return text.size() - held;
}

TEST(Stops, AreFoundWhereverTokensCutThem) {
    const std::vector<std::vector<std::string>> sets{
        {"abab"}, {"aabaab", "bcb"}, {"b", "abc"}, {"ababc", "babb", "cc"}, {"a\xc3\xa9", "cab"}, {"aaaaaaa"}};
    int ended = 0;
    for (size_t set = 0; set < sets.size(); ++set)
        for (uint64_t seed = 0; seed < 300; ++seed) {
            sample::Stops stops(sets[set], piece);
            sample::StopGate gate(stops, piece);
            std::string text, shown;
            for (int64_t i = 0; i < 30; ++i) {
                const auto token = int32_t(sample::uniform(seed, uint32_t(set), i) * double(pieces.size()));
                text += piece(token);
                const bool stopped = stops.push(token);
                shown += gate.push(token);
                const auto expected = slow_stop(text, sets[set]);
                ASSERT_EQ(stopped, expected.has_value()) << text;
                if (expected) {
                    EXPECT_EQ(stops.found()->at, expected->first) << text;
                    EXPECT_EQ(stops.found()->which, expected->second) << text;
                    EXPECT_EQ(shown + gate.finish(), text.substr(0, expected->first));
                    ++ended;
                    break;
                }
                EXPECT_EQ(stops.certain(), slow_certain(text, sets[set])) << text;
                EXPECT_EQ(shown, text.substr(0, stops.certain()));
            }
            if (!stops.found()) {
                EXPECT_EQ(shown + gate.finish(), text);
            }
        }
    EXPECT_GT(ended, 600);
    EXPECT_LT(ended, 1800);
}

TEST(Stops, CopiesGoTheirOwnWay) {
    sample::Stops stops({"abc"}, piece);
    stops.push(2);
    sample::Stops copy = stops;
    EXPECT_TRUE(copy.push(5));
    EXPECT_FALSE(stops.found());
    EXPECT_EQ(stops.certain(), 0u);
    EXPECT_FALSE(stops.push(0));
    EXPECT_EQ(stops.certain(), 2u);
    EXPECT_THROW(sample::Stops({"a", ""}, piece), Error);
    EXPECT_FALSE(sample::Stops().push(3));
    sample::StopGate open({}, piece);
    EXPECT_EQ(open.push(3), "aba");
}

using Rules = std::shared_ptr<const sample::Constraint>;

Tokens allowed(const Rules& c, int32_t vocab = 10) {
    std::vector<float> logits(size_t(vocab), 0);
    c->mask(logits);
    Tokens list;
    for (int32_t t = 0; t < vocab; ++t) {
        EXPECT_EQ(c->allows(t), !std::isinf(logits[size_t(t)])) << t;
        if (c->allows(t)) list.push_back(t);
    }
    return list;
}
Rules after(Rules c, const Tokens& tokens) {
    for (const int32_t t : tokens) {
        EXPECT_TRUE(c->allows(t)) << t;
        c = c->after(t);
    }
    return c;
}

/// 5 and then 6, over and over.
class FiveSix : public sample::Constraint {
public:
    explicit FiveSix(int32_t next = 5) : next_(next) {}
    bool allows(int32_t token) const override { return token == next_; }
    void mask(std::span<float> logits) const override {
        for (size_t i = 0; i < logits.size(); ++i)
            if (!allows(int32_t(i))) logits[i] = -INFINITY;
    }
    Rules after(int32_t token) const override { return std::make_shared<FiveSix>(11 - token); }

private:
    int32_t next_;
};

const Tokens everything{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/// Marks in a vocabulary of these pieces, of which the longest that fits comes first.
sample::ThinkingMarks marks_in(const std::vector<std::string>& vocabulary, std::string start = "<t>",
                               std::string end = "</t>") {
    const auto encode = [vocabulary](std::string_view text) {
        Tokens list;
        while (!text.empty()) {
            int32_t best = -1;
            for (int32_t t = 0; t < int32_t(vocabulary.size()); ++t)
                if (!vocabulary[size_t(t)].empty() && text.starts_with(vocabulary[size_t(t)]))
                    if (best < 0 || vocabulary[size_t(t)].size() > vocabulary[size_t(best)].size()) best = t;
            list.push_back(best), text.remove_prefix(vocabulary.at(size_t(best)).size());
        }
        return list;
    };
    return {.start = std::move(start),
            .end = std::move(end),
            .text = [list = std::make_shared<const std::vector<std::string>>(vocabulary)](int32_t t) {
                return std::string_view(list->at(size_t(t)));
            },
            .encode = encode,
            .tokens = int32_t(vocabulary.size())};
}
sample::ThinkingMarks of_letters(std::string start, std::string end) {
    return marks_in({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}, std::move(start), std::move(end));
}

TEST(Thinking, EndsWhereTheBudgetDoes) {
    const sample::ThinkingMarks tokens = of_letters("b", "cd");
    const Rules c = sample::thinking(tokens, {.budget = 3, .inside = true});
    EXPECT_EQ(allowed(c), everything);
    EXPECT_EQ(allowed(after(c, {7, 7})), everything);
    EXPECT_EQ(allowed(after(c, {7, 7, 7})), Tokens{2});
    EXPECT_EQ(allowed(after(c, {7, 7, 7, 2})), Tokens{3});
    EXPECT_EQ(allowed(after(c, {7, 7, 7, 2, 3})), everything);
    // An end that the model began, in time and not.
    EXPECT_EQ(allowed(after(c, {7, 2})), everything);
    EXPECT_EQ(allowed(after(c, {7, 2, 3, 7, 7, 7, 7})), everything);
    EXPECT_EQ(allowed(after(c, {7, 7, 2})), Tokens{3});
    EXPECT_EQ(allowed(after(c, {7, 2, 2})), Tokens{3});
    EXPECT_EQ(allowed(after(c, {7, 2, 7})), Tokens{2});
    // Beginning again goes on counting.
    EXPECT_EQ(allowed(after(c, {7, 2, 3, 7, 1, 7})), everything);
    EXPECT_EQ(allowed(after(c, {7, 2, 3, 7, 1, 7, 7})), Tokens{2});
    EXPECT_EQ(allowed(after(c, {7, 7, 7, 2, 3, 1})), Tokens{2});
    EXPECT_EQ(allowed(sample::thinking(tokens, {.budget = 0, .inside = true})), Tokens{2});
    EXPECT_EQ(allowed(sample::thinking(tokens, {.budget = 0})), everything);
    EXPECT_EQ(allowed(after(sample::thinking(tokens, {.inside = true}), Tokens(1000, 7))), everything);
    EXPECT_THROW(sample::thinking(of_letters("b", ""), {.budget = 3}), Error);
    EXPECT_THROW(sample::thinking(tokens, {.budget = -2}), Error);
}

TEST(Thinking, RulesHoldBehindIt) {
    const auto rules = std::make_shared<FiveSix>();
    sample::ThinkingMarks tokens = of_letters("be", "c");
    tokens.ends = {9};
    const Rules outside = sample::thinking(tokens, {.budget = 2}, rules);
    EXPECT_EQ(allowed(outside), (Tokens{1, 5}));
    EXPECT_EQ(allowed(after(outside, {5})), Tokens{6});
    EXPECT_EQ(allowed(after(outside, {1})), Tokens{4});
    EXPECT_EQ(allowed(after(outside, {1, 4})), (Tokens{0, 1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(allowed(after(outside, {1, 4, 0, 2})), Tokens{5});
    EXPECT_EQ(allowed(after(outside, {1, 4, 0, 1})), Tokens{2});
    EXPECT_EQ(allowed(after(outside, {1, 4, 0, 1, 2, 5})), Tokens{6});
    const Rules inside = sample::thinking(tokens, {.inside = true}, rules);
    EXPECT_EQ(allowed(after(inside, {3, 3, 3, 2, 5, 6})), Tokens{5});
}

TEST(Thinking, APromptSaysWhetherItHasBegun) {
    const sample::ThinkingMarks tokens = of_letters("b", "cd");
    EXPECT_FALSE(is_thinking(tokens, Tokens{5, 6}));
    EXPECT_TRUE(is_thinking(tokens, Tokens{5, 1, 6}));
    EXPECT_FALSE(is_thinking(tokens, Tokens{5, 1, 6, 2, 3}));
    EXPECT_TRUE(is_thinking(tokens, Tokens{5, 1, 6, 2, 3, 1}));
    EXPECT_FALSE(is_thinking(tokens, Tokens{}));
}

const std::vector<std::string> cut{"<", "/", "t", ">", ">\n", "</", "x<", "a", "t></t>", "</t>\n"};

TEST(Thinking, MarksReachOverTokens) {
    const sample::ThinkingMarks marks = marks_in(cut);
    EXPECT_TRUE(is_thinking(marks, Tokens{7, 0, 2, 4}));  // whose last token is none of "<t>"
    EXPECT_FALSE(is_thinking(marks, Tokens{7, 0, 2, 4, 7, 5, 2, 4}));
    EXPECT_FALSE(is_thinking(marks, Tokens{0, 8}));
    const Rules c = sample::thinking(marks, {.budget = 2, .inside = true});
    EXPECT_EQ(allowed(after(c, {7})), everything);
    EXPECT_EQ(allowed(after(c, {7, 7})), Tokens{5});
    EXPECT_EQ(allowed(after(c, {7, 7, 5})), Tokens{2});
    EXPECT_EQ(allowed(after(c, {7, 7, 5, 2})), Tokens{3});
    EXPECT_EQ(allowed(after(c, {7, 7, 5, 2, 3})), everything);
    // An end that is cut otherwise, whole and begun.
    const Rules wide = sample::thinking(marks, {.budget = 4, .inside = true});
    EXPECT_EQ(allowed(after(wide, {7, 5, 2, 4, 7, 7, 7, 7})), everything);
    EXPECT_EQ(allowed(after(c, {9, 7, 7, 7})), everything);
    EXPECT_EQ(allowed(after(c, {7, 6})), Tokens{1});
    EXPECT_EQ(allowed(after(c, {6, 1})), Tokens{2});
    EXPECT_EQ(allowed(after(c, {7, 0})), Tokens{1});
    EXPECT_EQ(allowed(after(c, {0, 7})), Tokens{5});
    EXPECT_EQ(allowed(after(c, {0, 1})), Tokens{2});
    // What begins within a mark is not counted.
    EXPECT_EQ(allowed(after(c, {9, 7, 0, 2, 4})), everything);
    EXPECT_EQ(allowed(after(c, {9, 7, 0, 2, 4, 7})), everything);
    EXPECT_EQ(allowed(after(c, {9, 7, 0, 2, 4, 7, 7})), Tokens{5});
    EXPECT_EQ(allowed(after(wide, {7, 5, 2, 4, 0, 2, 4, 7, 7})), everything);
    EXPECT_EQ(allowed(after(wide, {7, 5, 2, 4, 0, 2, 4, 7, 7, 7})), Tokens{5});
    EXPECT_EQ(allowed(after(c, {9, 0, 8, 7, 7, 7})), everything);  // a thought that is over in the same token
    // What begins in the thought is, also where it completes the end.
    const Rules on = sample::thinking(marks_in({"<", "/", "t", ">", "a", "a</t>", "</t>", "<t>"}), {.budget = 2, .inside = true});
    EXPECT_EQ(allowed(after(on, {5, 7})), everything);
    EXPECT_EQ(allowed(after(on, {5, 7, 4})), Tokens{6});
}

TEST(Thinking, AnAnswerMayBeginAsAThoughtDoes) {
    const sample::ThinkingMarks marks = marks_in({"a", "b", "c", "d", "/", "<", "x", "t", ">", "</t>"});
    const Rules outside = sample::thinking(marks, {.budget = 1}, std::make_shared<FiveSix>());
    EXPECT_EQ(allowed(outside), Tokens{5});
    EXPECT_EQ(allowed(after(outside, {5})), (Tokens{6, 7}));
    EXPECT_EQ(allowed(after(outside, {5, 6})), Tokens{5});
    EXPECT_EQ(allowed(after(outside, {5, 6, 5})), Tokens{6});
    EXPECT_EQ(allowed(after(outside, {5, 7})), Tokens{8});
    EXPECT_EQ(allowed(after(outside, {5, 7, 8})), everything);
    EXPECT_EQ(allowed(after(outside, {5, 7, 8, 0})), Tokens{9});
    EXPECT_EQ(allowed(after(outside, {5, 7, 8, 0, 9})), Tokens{5});
}

/// Of a vocabulary that has a token for each mark these are the marks; of another one their text is.
TEST(Thinking, MarksOfAVocabulary) {
    const auto with = golden_tokenizer(), without = golden_tokenizer("qwen35", [](gguf::Draft& d) {
        d.set_array("tokenizer.ggml.token_type", std::vector<int32_t>(256 + 3000 + 7, 1));
    });
    for (const auto* tokenizer : {with.get(), without.get()}) {
        const sample::ThinkingMarks marks = sample::thinking_marks(*tokenizer);
        const auto inside = [&](const std::string& text) { return is_thinking(marks, tokenizer->encode(text)); };
        EXPECT_EQ(marks.encode("<think>").size() == 1, tokenizer == with.get());
        for (const char* behind : {"", "\n", "\n\n", ">", "-> x"}) {
            EXPECT_TRUE(inside(std::string("Hi. <think>") + behind)) << behind;
            EXPECT_FALSE(inside(std::string("Hi <think>\nhm </think>") + behind)) << behind;
        }
        const auto ends = [&](const std::string& text) {  // what is over is not ended again
            Rules c = sample::thinking(marks, {.budget = 9, .inside = true});
            for (const int32_t t : tokenizer->encode(text)) c = c->after(t);
            for (int i = 0; i < 20; ++i) c = c->after('a');
            return c->allows('a');
        };
        EXPECT_TRUE(ends("hm</think>\n\n"));
        EXPECT_TRUE(ends("</think>"));
        EXPECT_FALSE(ends("hm</thin>"));
    }
    const int32_t mark = with->encode("</think>").at(0);
    const sample::ThinkingMarks marks = sample::thinking_marks(*with);
    Rules c = sample::thinking(marks, {.budget = 1, .inside = true});
    for (const char byte : std::string("</think>")) c = c->after(byte);  // spelled out, and no mark
    EXPECT_TRUE(c->allows(mark));
    EXPECT_FALSE(c->allows('a'));
}

TEST(Thinking, RulesSeeAllThatIsBehindTheEnd) {
    const sample::ThinkingMarks marks = marks_in(cut);
    const auto rules = std::make_shared<FiveSix>();
    const Rules outside = sample::thinking(marks, {}, rules);
    EXPECT_EQ(allowed(outside), (Tokens{0, 5}));
    EXPECT_EQ(allowed(after(outside, {0})), Tokens{2});
    EXPECT_EQ(allowed(after(outside, {0, 2})), Tokens{3});
    const Rules inside = after(outside, {0, 2, 3});
    EXPECT_EQ(allowed(inside), (Tokens{0, 1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(allowed(after(inside, {7, 5, 2})), (Tokens{0, 1, 2, 3, 5, 6, 7, 8}));
    EXPECT_EQ(allowed(after(inside, {0, 1})), (Tokens{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(allowed(after(inside, {7, 5, 2, 3})), Tokens{5});
    EXPECT_EQ(allowed(after(inside, {8})), Tokens{5});
}

}  // namespace
}  // namespace rw::test
