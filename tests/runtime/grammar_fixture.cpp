#include "tests/runtime/grammar_fixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "runtime/tokenizer/unicode.h"

namespace rw::test {
namespace {

using grammar::Expression;
using Ends = std::set<size_t>;

class Slow {
public:
    Slow(const grammar::Rules& rules, const std::string& text) : rules_(rules), text_(text) {}

    const Ends& rule(uint32_t rule, size_t at) {
        const auto [known, added] = known_.try_emplace({rule, at});
        if (added) {
            Ends ends = from(rules_.at(rule).expression, at);
            return known_[{rule, at}] = std::move(ends);
        }
        return known->second;
    }

private:
    Ends from(const Expression& e, size_t at) {
        switch (e.kind) {
            case Expression::Kind::literal:
                return text_.compare(at, e.bytes.size(), e.bytes) == 0 ? Ends{at + e.bytes.size()} : Ends{};
            case Expression::Kind::set: {
                if (at >= text_.size()) return {};
                const tokenizer::Character c = tokenizer::character_at(text_, at);
                for (const grammar::Span& s : e.set)
                    if (c.code >= 0 && s.first <= char32_t(c.code) && char32_t(c.code) <= s.last) return {at + c.bytes};
                return {};
            }
            case Expression::Kind::sequence: {
                Ends ends{at};
                for (const Expression& part : e.parts) ends = behind(part, ends);
                return ends;
            }
            case Expression::Kind::choice: {
                Ends ends;
                for (const Expression& part : e.parts) ends.merge(from(part, at));
                return ends;
            }
            case Expression::Kind::repeat: {
                // Rounds that read nothing are needed for the least number alone, so as many rounds as there is text, and those.
                Ends now{at}, all;
                for (uint32_t i = 0; i <= e.least + text_.size() && i <= e.most; ++i) {
                    if (i >= e.least) all.insert(now.begin(), now.end());
                    if (i < e.most) now = behind(e.parts.front(), now);
                    if (now.empty()) break;
                }
                return all;
            }
            case Expression::Kind::call: break;
        }
        return rule(e.rule, at);
    }
    Ends behind(const Expression& e, const Ends& begins) {
        Ends ends;
        for (const size_t at : begins) ends.merge(from(e, at));
        return ends;
    }

    const grammar::Rules& rules_;
    const std::string& text_;
    std::map<std::pair<uint32_t, size_t>, Ends> known_;
};

}  // namespace

std::string refusal(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

bool accepts_slowly(const grammar::Rules& rules, const std::string& text) {
    return Slow(rules, text).rule(rules.root, 0).contains(text.size());
}

const tokenizer::Tokenizer& demo_tokenizer() {
    static const tokenizer::Tokenizer tokenizer(gguf::File(std::string(REWIND_MODELS) + "/rewind-demo-q8_0.gguf"));
    return tokenizer;
}

std::shared_ptr<const grammar::TokenTrie> demo_trie() {
    static const auto trie = std::make_shared<const grammar::TokenTrie>(demo_tokenizer().vocabulary());
    return trie;
}

ConstraintPtr constraint_of(grammar::Grammar grammar, std::shared_ptr<const grammar::TokenTrie> trie) {
    return std::make_shared<grammar::Matcher>(std::make_shared<const grammar::Grammar>(std::move(grammar)), std::move(trie))->start();
}

std::vector<int32_t> left_by(const sample::Constraint& constraint, size_t vocabulary) {
    std::vector<float> logits(vocabulary, 1.0f);
    constraint.mask(logits);
    std::vector<int32_t> left;
    for (size_t t = 0; t < vocabulary; ++t) {
        if (logits[t] == 1.0f) left.push_back(int32_t(t));
        else EXPECT_EQ(logits[t], -INFINITY);
    }
    return left;
}

ConstraintPtr behind(ConstraintPtr constraint, const std::string& text) {
    for (const int32_t token : demo_tokenizer().encode(text)) {
        if (!constraint->allows(token)) return nullptr;
        constraint = constraint->after(token);
    }
    return constraint;
}

std::string random_text(ConstraintPtr constraint, const grammar::TokenTrie& trie, std::mt19937& dice, int most) {
    std::string text;
    for (int i = 0; i < 20 * most; ++i) {
        std::vector<int32_t> left = left_by(*constraint, trie.size());
        EXPECT_FALSE(left.empty());
        if (left.empty()) return text;
        int32_t token = left[dice() % left.size()];
        if (i >= most)
            for (const char* closing : {")", "]", "}", ">", "\"", ""})
                for (const int32_t t : left)
                    if (trie.bytes(t) == closing) token = t;  // the later ones rather
        EXPECT_TRUE(constraint->allows(token));
        if (trie.ends(token)) return text;
        text += trie.bytes(token);
        constraint = constraint->after(token);
    }
    ADD_FAILURE() << "no end in sight: " << text;
    return text;
}

}  // namespace rw::test
