// What ends a text, and what bounds its thinking, token by token.
#include "runtime/sample/stops.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rewind/ops/contract.h"
#include "runtime/sample/random.h"
#include "runtime/sample/thinking.h"

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

TEST(Thinking, EndsWhereTheBudgetDoes) {
    const sample::ThinkingTokens tokens{.start = {1}, .end = {2, 3}};
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
    EXPECT_THROW(sample::thinking({.start = {1}}, {.budget = 3}), Error);
    EXPECT_THROW(sample::thinking(tokens, {.budget = -2}), Error);
}

TEST(Thinking, RulesHoldBehindIt) {
    const auto rules = std::make_shared<FiveSix>();
    const sample::ThinkingTokens tokens{.start = {1, 4}, .end = {2}, .ends = {9}};
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
    const sample::ThinkingTokens tokens{.start = {1}, .end = {2, 3}};
    EXPECT_FALSE(is_thinking(tokens, Tokens{5, 6}));
    EXPECT_TRUE(is_thinking(tokens, Tokens{5, 1, 6}));
    EXPECT_FALSE(is_thinking(tokens, Tokens{5, 1, 6, 2, 3}));
    EXPECT_TRUE(is_thinking(tokens, Tokens{5, 1, 6, 2, 3, 1}));
    EXPECT_FALSE(is_thinking(tokens, Tokens{}));
}

}  // namespace
}  // namespace rw::test
