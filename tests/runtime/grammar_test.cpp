// GBNF and the matcher: what is accepted, what is refused and how, and that masks are what stepping byte by byte says.
#include <gtest/gtest.h>

#include <chrono>

#include "runtime/grammar/gbnf.h"
#include "tests/runtime/grammar_fixture.h"

namespace rw::test {
namespace {

using grammar::Grammar;
using Texts = std::vector<std::string>;

struct Case {
    const char* grammar;
    Texts accepted, rejected;
};

TEST(Gbnf, AcceptsAndRejects) {
    const Case cases[] = {
        {R"(root ::= "yes" | "no")", {"yes", "no"}, {"", "y", "yesno", "maybe"}},
        {"root ::= \"a\\n\\t\\\"\\\\\\x41\\u00e9\\U0001F600\"", {"a\n\t\"\\A\u00e9\U0001F600"}, {"a"}},
        {R"(root ::= [a-c]+ [^a-c\n] .)", {"abcx\n", "a\u00e9\u00e9", "a-\U0001F600"}, {"abc", "a\nx", "axyz", "x"}},
        {R"(root ::= [-a] [a-] [\]\-\^^])", {"-a]", "a-^", "---"}, {"b-]", "--a"}},
        {R"(root ::= [\u0430-\u044f]*)", {"", "привет"}, {"Привет", "\xd0"}},
        {"# words\nroot ::= word (\" \" word)* # of words\n\nword ::=\n  [a-z]+ |\n  [A-Z] # one\n", {"a B", "abc"}, {"", "a  b", "AB"}},
        {R"(root ::= "a"* "b"+ "c"?)", {"b", "aabbc"}, {"", "a", "ac", "bcc"}},
        {R"(root ::= "a"{2} "b"{1,} "c"{0,2} "d"{ 1 , 2 })", {"aabd", "aabbbccdd"}, {"abd", "aad", "aabcccd", "aabddd"}},
        {R"(root ::= "a"{0} "b"{0,0})", {""}, {"a", "b"}},
        {R"g(root ::= "(" root ")" | "")g", {"", "()", "((()))"}, {"(", "())", ")("}},
        {R"(root ::= x x "!" 
            x ::= "a"? y
            y ::= "b"? | "" | z*
            z ::= "c")", {"!", "ab!", "abab!", "ba!", "acccab!"}, {"", "aaa!", "abbb!", "cb"}},
        {R"(root ::= (("a"*)* ("b"?)+)* )", {"", "abba"}, {"c"}},
        {R"(root ::= "a" root | "b")", {"b", "aaab"}, {"", "a", "ba"}},
        {R"(root ::= ("x" y){100,300}
            y ::= [0-9]+)", {}, {"x1", ""}},
    };
    for (const Case& c : cases) {
        const Grammar grammar = Grammar::gbnf(c.grammar);
        for (const std::string& text : c.accepted) EXPECT_TRUE(grammar.accepts(text)) << c.grammar << "\n" << text;
        for (const std::string& text : c.rejected) EXPECT_FALSE(grammar.accepts(text)) << c.grammar << "\n" << text;
    }
}

TEST(Gbnf, CountsWithoutCopying) {
    const Grammar grammar = Grammar::gbnf("root ::= [a-z]{3,1000000} (\"-\" [0-9a-f]{200,300}){2}");
    EXPECT_LT(grammar.program().states.size(), 50u);
    const std::string digits(200, '7'), more(301, 'f');
    EXPECT_TRUE(grammar.accepts("abc-" + digits + "-" + digits + std::string(100, 'a')));
    EXPECT_TRUE(grammar.accepts(std::string(100'000, 'z') + "-" + digits + "-" + digits));
    EXPECT_FALSE(grammar.accepts("ab-" + digits + "-" + digits));
    EXPECT_FALSE(grammar.accepts("abc-" + digits + "-" + more));
    EXPECT_FALSE(grammar.accepts("abc-" + digits));
}

TEST(Gbnf, SaysWhatIsWrongAndWhere) {
    const std::pair<std::string, const char*> cases[] = {
        {"", "no rule 'root'"},
        {"start ::= \"a\"", "no rule 'root'"},
        {"root ::= \"a\n", "line 1, column 12: expected '\"' at the end of the literal, found character 0x0A"},
        {"root ::= \"a", "line 1, column 12: expected '\"' at the end of the literal, the text ends"},
        {"root ::= \"a\"\n  | [a-", "line 2, column 8: expected ']' at the end of the class, the text ends"},
        {"root ::= [z-a]", "column 11: a range whose last character comes before its first"},
        {"root ::= []", "column 11: expected a character of the class; ']' itself is written \\]"},
        {"root ::= [^\\x00-\\U0010FFFF]", "column 10: a class that no character is in"},
        {"root ::= (\"a\"", "expected ')' or more of the group, the text ends"},
        {"root ::= \"a\")", "column 13: expected a literal, a class, a group"},
        {"root ::= * \"a\"", "column 10: expected a literal"},
        {"root := \"a\"", "column 6: expected '::=', found ':'"},
        {"\u00e9 ::= \"a\"", "column 1: expected the name of a rule, found '\u00e9'"},
        {"root ::= \"\u00e9\u00e9\" }", "column 15: expected a literal, a class, a group, the name of a rule, '.' or '|', found '}'"},
        {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule 'root' is defined twice"},
        {"root ::= item\n", "line 1, column 10: rule 'item' is used and not defined"},
        {"root ::= \"\\q\"", "column 12: expected one of n r t x u U"},
        {"root ::= \"\\u00g0\"", "column 15: expected a hexadecimal digit, found 'g'"},
        {"root ::= \"\\ud800\"", "column 13: an escape that is no character"},
        {"root ::= \"a\"{3,2}", "column 13: a repetition of at least 3 and at most 2"},
        {"root ::= \"a\"{1,1000001}", "a count of more than 1000000"},
        {"root ::= \"a\"{99999999999999999999}", "a count of more than 1000000"},
        {"root ::= \"a\"{,2}", "expected a count, found ','"},
        {"root ::= \"a\"{2", "expected '}', the text ends"},
        {"root ::= \"\xff\"", "expected a character, found byte 0xFF, which is no UTF-8"},
        {"root ::= root \"a\" | \"b\"", "rule 'root' is left-recursive"},
        {"root ::= \"x\" a\na ::= b? c\nb ::= \"b\"\nc ::= a \"c\" | \"d\"", "is left-recursive"},
        {"root ::= (root \"a\"){2,300} | \"b\"", "rule 'root' is left-recursive"},
        {"root ::= \"a\" b\nb ::= \"b\" b", "rule 'b' never comes to an end"},
        {"root ::= (\"a\"?){2,3000}", "rule 'root' repeats many times what may be empty"},
        {"root ::= " + std::string(200, '(') + "\"a\"" + std::string(200, ')'), "more than 100 groups in one another"},
        {"root ::= \"a\"" + std::string(100, '*'), "more than eight repetitions"},
    };
    for (const auto& [text, message] : cases) {
        const std::string said = refusal([&] { Grammar::gbnf(text); });
        EXPECT_NE(said.find(message), std::string::npos) << text << "\nsays: " << said;
    }
}

TEST(Gbnf, HostileGrammarsTakeNoTime) {
    std::string chain = "root ::= r0\n", options = "root ::= ", doubling = "root ::= d40\nd0 ::= \"a\"\n";
    for (int i = 0; i < 15'000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
    for (int i = 0; i < 20'000; ++i) options += "[a-z]? ";
    for (int i = 1; i <= 40; ++i) doubling += "d" + std::to_string(i) + " ::= d" + std::to_string(i - 1) + " d" + std::to_string(i - 1) + "\n";
    std::string nested = "\"a\"";
    for (int i = 0; i < 99; ++i) nested = "(" + nested + " \"b\"){3,1000}";
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(refusal([&] { Grammar::gbnf(chain + "r15000 ::= \"a\""); }), "");
    EXPECT_NE(refusal([&] { Grammar::gbnf(options); }).find("too large"), std::string::npos);
    EXPECT_EQ(refusal([&] { Grammar::gbnf(doubling); }), "");
    EXPECT_FALSE(Grammar::gbnf("root ::= " + nested).accepts(std::string(1000, 'a')));
    EXPECT_NE(refusal([] { Grammar::gbnf(std::string((1 << 20) + 1, ' ')); }).find("is the most"), std::string::npos);
    EXPECT_NE(refusal([] { Grammar::gbnf(std::string(1 << 20, '(')); }), "");
    // Ambiguous ones: as many ways as there are, places stay few.
    EXPECT_TRUE(Grammar::gbnf("root ::= (\"a\" | \"a\" \"a\")* | (\"a\"+)+").accepts(std::string(20'000, 'a')));
    const Grammar twice = Grammar::gbnf("root ::= \"x\" root \"y\" | \"x\" root \"z\" | \"x\" root root? | \"w\"");
    EXPECT_TRUE(twice.accepts(std::string(300, 'x') + "w" + std::string(150, 'y') + std::string(150, 'z')));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));  // on a busy machine under sanitizers
}

/// Expressions over a, b and é that hold all that there is, and call later rules or, behind a character, any.
struct Inventor {
    std::mt19937 dice;
    grammar::Rules rules;

    grammar::Rules invent() {
        rules = {};
        for (const char* name : {"root", "one", "two"}) rules.add(name);
        for (uint32_t r = 0; r < 3; ++r) rules[r] = grammar::choice({expression(3, r), grammar::text("ab")});
        return rules;
    }
    grammar::Expression expression(int depth, uint32_t rule) {
        using namespace grammar;
        switch (dice() % (depth > 0 ? 9 : 3)) {
            case 0: return text(std::array{"a", "b", "ab", "\u00e9"}[dice() % 4]);
            case 1: return one_of(Spans{{'a', 'b'}});
            case 2: return one_of(Spans{{'b', U'\u00e9'}});
            case 3: return sequence({expression(depth - 1, rule), expression(depth - 1, rule)});
            case 4: return choice({expression(depth - 1, rule), expression(depth - 1, rule)});
            case 5: return repeat(expression(depth - 1, rule), dice() % 3, dice() % 2 ? endless : 2 + dice() % 3);
            case 6: return repeat(sequence({text("a"), expression(depth - 1, rule)}), dice() % 3, 250);
            case 7: return rule < 2 ? call(rule + 1) : text("b");
            default: return sequence({one_of("ab"), call(dice() % 3), optional(text("b"))});
        }
    }
    std::string word(size_t most) {
        std::string word;
        for (size_t i = dice() % (most + 1); i > 0; --i) word += std::array{"a", "b", "b", "a", "\u00e9"}[dice() % 5];
        return word;
    }
};

TEST(Grammar, AcceptsWhatItsRulesSay) {
    Inventor inventor{std::mt19937(1)};
    int accepted = 0;
    for (int round = 0; round < 400; ++round) {
        const grammar::Rules rules = inventor.invent();
        std::unique_ptr<Grammar> grammar;
        if (refusal([&] { grammar = std::make_unique<Grammar>(rules); }) != "") continue;
        for (int i = 0; i < 40; ++i) {
            const std::string text = inventor.word(9);
            const bool expected = accepts_slowly(rules, text);
            ASSERT_EQ(grammar->accepts(text), expected) << "grammar " << round << ": " << text;
            accepted += expected;
        }
    }
    EXPECT_GT(accepted, 1000);
}

/// Whether a token fits, byte by byte.
struct Follower {
    const Grammar& grammar;
    grammar::Stacks stacks{grammar.program(), 1 << 28};
    grammar::Places places = stacks.start();
    grammar::Places behind(const std::string& bytes) {
        grammar::Places now = bytes.empty() ? grammar::Places() : places;
        for (const char byte : bytes) now = stacks.step(now, uint8_t(byte));
        return now;
    }
};

/// Walks at random and compares every mask with every token's own answer, and both with stepping.
void compare_masks(const Grammar& grammar, std::shared_ptr<const grammar::TokenTrie> trie, std::mt19937& dice, int steps) {
    ConstraintPtr constraint = constraint_of(grammar, trie);
    Follower follower{grammar};
    for (int i = 0; i < steps; ++i) {
        std::vector<int32_t> expected;
        for (int32_t t = 0; size_t(t) < trie->size(); ++t) {
            const bool fits = trie->ends(t) ? follower.places.complete : !follower.behind(trie->bytes(t)).none();
            if (fits) expected.push_back(t);
            if (t % 7 == i % 7 || trie->size() < 100) { ASSERT_EQ(constraint->allows(t), fits) << t; }
        }
        ASSERT_EQ(left_by(*constraint, trie->size()), expected) << "step " << i;
        if (expected.empty()) return;
        const int32_t token = expected[dice() % expected.size()];
        if (trie->ends(token)) return;
        follower.places = follower.behind(trie->bytes(token));
        constraint = constraint->after(token);
    }
}

TEST(Masks, AreWhatSteppingSays) {
    Inventor inventor{std::mt19937(2)};
    std::vector<std::string> tokens{"a", "b", "\xc3", "\xa9", ""};
    for (int i = 0; i < 60; ++i) tokens.push_back(inventor.word(6));
    tokens.push_back("ab\xc3"), tokens.push_back("\xa9" "a");
    const auto trie = std::make_shared<const grammar::TokenTrie>(tokens, std::vector<int32_t>{4});
    for (int round = 0; round < 300 && !testing::Test::HasFailure(); ++round) {
        const grammar::Rules rules = inventor.invent();
        std::unique_ptr<Grammar> grammar;
        if (refusal([&] { grammar = std::make_unique<Grammar>(rules); }) == "") compare_masks(*grammar, trie, inventor.dice, 8);
    }
}

const char* const arithmetic = R"g(
root  ::= sum
sum   ::= term (" "? [+-] " "? term)*
term  ::= [0-9]{1,40} | "(" sum ")" | word "(" (sum (", " sum){0,200})? ")"
word  ::= [a-zа-я]{2,30} | "<" [^>]{0,300} ">"
)g";

TEST(Masks, OfTheDemoVocabulary) {
    std::mt19937 dice(3);
    compare_masks(Grammar::gbnf(arithmetic), demo_trie(), dice, 25);
    compare_masks(Grammar::gbnf(R"(root ::= ([A-Z] [a-z]* ("," | ";")? " "){3,500} ".")"), demo_trie(), dice, 25);
}

TEST(Matcher, TextsDrawnByMasksAreAccepted) {
    const Grammar grammar = Grammar::gbnf(arithmetic);
    std::mt19937 dice(4);
    std::set<std::string> different;
    for (int i = 0; i < 20; ++i) {
        const std::string text = random_text(constraint_of(grammar), *demo_trie(), dice, 30);
        EXPECT_TRUE(grammar.accepts(text)) << text;
        different.insert(text);
    }
    EXPECT_GT(different.size(), 10u);
}

TEST(Matcher, EndsWhereTheTextIsComplete) {
    const auto& vocabulary = demo_tokenizer().vocabulary();
    const std::vector<int32_t>& ends = demo_trie()->ends();
    const ConstraintPtr start = constraint_of(Grammar::gbnf(R"(root ::= "yes" "!"?)"));
    const auto all_ends_of = [&](const sample::Constraint& c, bool allowed) {
        for (const int32_t end : vocabulary.ends()) EXPECT_EQ(c.allows(end), allowed) << end;
        for (int32_t t = 0; size_t(t) < vocabulary.size(); ++t)
            if (vocabulary.type(t) == tokenizer::TokenType::control && !vocabulary.ends(t)) { EXPECT_FALSE(c.allows(t)) << t; }
    };
    all_ends_of(*start, false);
    const ConstraintPtr yes = behind(start, "yes");
    all_ends_of(*yes, true);
    const ConstraintPtr full = behind(yes, "!");
    EXPECT_EQ(left_by(*full, vocabulary.size()), ends);
    const ConstraintPtr over = full->after(vocabulary.ends().front());
    EXPECT_EQ(left_by(*over, vocabulary.size()), ends);
    all_ends_of(*over, true);
    EXPECT_THROW(start->after(vocabulary.ends().front()), Error);
    EXPECT_THROW(full->after(vocabulary.of_byte('!')), Error);
    EXPECT_THROW(start->allows(-1), Error);
    EXPECT_THROW(start->allows(int32_t(vocabulary.size())), Error);
    std::vector<float> few(10), many(vocabulary.size() + 5, 0.0f);
    EXPECT_THROW(start->mask(few), Error);
    start->mask(many);
    EXPECT_EQ(many.back(), -INFINITY);  // rows that are no tokens
    EXPECT_TRUE(behind(start, "yes"));  // nothing of this changed it
}

TEST(Matcher, LetsATextEndThatNoTokenGoesOnWith) {
    const auto trie = std::make_shared<const grammar::TokenTrie>(std::vector<std::string>{"a", "b", ""}, std::vector<int32_t>{2});
    const ConstraintPtr start = constraint_of(Grammar::gbnf(R"(root ::= "ab" [cd])"), trie);
    EXPECT_FALSE(start->allows(2));
    const ConstraintPtr stuck = start->after(0)->after(1);
    EXPECT_EQ(left_by(*stuck, 3), (std::vector<int32_t>{2}));
    EXPECT_TRUE(stuck->allows(2));
    EXPECT_THROW(grammar::TokenTrie({"a"}, {}), Error);
}

TEST(Matcher, CarriesCharactersThatTokensCut) {
    const auto& vocabulary = demo_tokenizer().vocabulary();
    const ConstraintPtr start = constraint_of(Grammar::gbnf(R"(root ::= [α-ω]+ "😀")"));
    ConstraintPtr now = start;
    const auto push = [&](const std::string& bytes) {
        for (const char b : bytes) now = now->after(vocabulary.of_byte(uint8_t(b)));
    };
    push("\xcf");  // either of two rows of Greek
    EXPECT_TRUE(now->allows(vocabulary.of_byte(0x80)) && now->allows(vocabulary.of_byte(0x89)));
    EXPECT_FALSE(now->allows(vocabulary.of_byte(0x8a)) || now->allows(vocabulary.of_byte('a')));
    push("\x89\xf0\x9f\x98");
    EXPECT_FALSE(now->allows(vocabulary.of_byte(0x81)));
    push("\x80");
    EXPECT_EQ(left_by(*now, vocabulary.size()), demo_trie()->ends());
}

TEST(Matcher, ConstraintsAreIndependentAndMasksReturn) {
    const ConstraintPtr start = constraint_of(Grammar::gbnf(R"(root ::= "[" ([a-z]+ ("," [a-z]+)*)? "]")"));
    const size_t n = demo_tokenizer().vocabulary().size();
    const ConstraintPtr one = behind(start, "[abc"), two = behind(start, "[");
    const auto first = left_by(*one, n), second = left_by(*two, n);
    ASSERT_NE(first, second);
    const ConstraintPtr three = behind(one, ",x,yz");
    EXPECT_EQ(left_by(*three, n), first);  // the same place in the grammar
    EXPECT_EQ(left_by(*one, n), first);
    EXPECT_EQ(left_by(*two, n), second);
    EXPECT_EQ(left_by(*behind(start, "["), n), second);
    EXPECT_FALSE(behind(start, "[abc]]"));
}

}  // namespace
}  // namespace rw::test
