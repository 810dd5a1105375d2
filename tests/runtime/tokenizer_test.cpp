// Encodings are those of another implementation, in goldens/; what goes in comes out; what cannot be is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/gguf/byte_alphabet.h"
#include "runtime/gguf/text.h"
#include "runtime/tokenizer/split.h"
#include "runtime/tokenizer/unicode.h"
#include "tests/runtime/tokenizer_fixture.h"

namespace rw::test {
namespace {

using tokenizer::Token;
using tokenizer::Tokenizer;
using Tokens = std::vector<Token>;

std::vector<std::string> pieces(tokenizer::Rules rules, std::string_view text) {
    std::vector<std::string> out;
    for (size_t at = 0; at < text.size();) {
        const size_t end = piece_end(rules, text, at);
        out.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

std::vector<size_t> lengths(const std::vector<std::string>& list) {
    std::vector<size_t> out;
    for (const std::string& piece : list) out.push_back(piece.size());
    return out;
}

TEST(TokenizerGolden, EveryTextIsEncodedAsTheGoldensSay) {
    const auto qwen2 = golden_tokenizer("qwen2"), qwen35 = golden_tokenizer("qwen35");
    const auto file = nlohmann::json::parse(golden("tokenizer_texts.json"));
    int texts = 0, apart = 0, normalised = 0;
    for (const auto& one : file["cases"]) {
        const std::string text = one["text"];
        const auto of = [&](const char* name, const char* same) { return one[one.contains(name) ? name : same]; };
        const auto check = [&](const Tokenizer& tokens, const char* name, const tokenizer::Encoding& how) {
            const Tokens want = of(name, "qwen35");
            const Tokens got = tokens.encode(text, how);
            EXPECT_EQ(got, want) << name << ": " << gguf::printable(text, 400);
            EXPECT_EQ(tokens.decode(got, true), how.composed ? tokenizer::composed(text) : text);
        };
        check(*qwen2, "qwen2", {.control = true});
        check(*qwen35, "qwen35", {.control = true});
        check(*qwen35, "nfc", {.control = true, .composed = true});
        EXPECT_EQ(lengths(pieces(tokenizer::Rules::qwen2, text)), of("qwen2 pieces", "qwen35 pieces")) << gguf::printable(text, 400);
        EXPECT_EQ(lengths(pieces(tokenizer::Rules::qwen35, text)), of("qwen35 pieces", "")) << gguf::printable(text, 400);
        ++texts, apart += one.contains("qwen2 pieces"), normalised += one.contains("nfc");
    }
    EXPECT_GT(texts, 450);
    EXPECT_GT(apart, 50);  // the two rules are told apart
    EXPECT_GT(normalised, 10);
}

TEST(TokenizerSplit, Pieces) {
    using List = std::vector<std::string>;
    const auto rules = tokenizer::Rules::qwen35;
    EXPECT_EQ(pieces(rules, "I'm 25, you'LL see"), (List{"I", "'m", " ", "2", "5", ",", " you", "'LL", " see"}));
    EXPECT_EQ(pieces(rules, "a  b\t\tc"), (List{"a", " ", " b", "\t", "\tc"}));
    EXPECT_EQ(pieces(rules, "x \n\n  y"), (List{"x", " \n\n", " ", " y"}));
    EXPECT_EQ(pieces(rules, "f();\n\ng  "), (List{"f", "();\n\n", "g", "  "}));
    EXPECT_EQ(pieces(rules, "\xff\xffz\xffz\xc3"), (List{"\xff\xff", "z", "\xffz", "\xc3"}));
    EXPECT_EQ(pieces(rules, "e\u0301 \u0301"), (List{"e\u0301", " \u0301"}));
    EXPECT_EQ(pieces(tokenizer::Rules::qwen2, "e\u0301a"), (List{"e", "\u0301a"}));
    EXPECT_EQ(pieces(tokenizer::Rules::qwen2, " \u0301\u0301\n"), (List{" \u0301\u0301\n"}));
}

TEST(TokenizerSpecial, ControlTokensCountOnlyWhereTheyAreAskedFor) {
    const auto tokens = golden_tokenizer();
    const Token end = *tokens->vocabulary().control("<|im_end|>");
    const std::string text = "a<|im_end|><think>";
    const Tokens plain = tokens->encode(text), control = tokens->encode(text, {.control = true});
    EXPECT_EQ(std::count(plain.begin(), plain.end(), end), 0);
    EXPECT_EQ(control, (Tokens{'a', end, control.back()}));
    EXPECT_EQ(plain.back(), control.back());  // <think> is user-defined
    EXPECT_EQ(tokens->decode(plain), text);
    EXPECT_EQ(tokens->decode(control, true), text);
    EXPECT_EQ(tokens->decode(control), "a<think>");
    EXPECT_TRUE(tokens->vocabulary().ends(end));
    EXPECT_TRUE(tokens->vocabulary().ends(*tokens->vocabulary().control("<|endoftext|>")));
    EXPECT_FALSE(tokens->vocabulary().ends('a'));
    EXPECT_FALSE(tokens->vocabulary().control("<think>"));
}

TEST(TokenizerVocabulary, OtherTypesOfTokens) {
    const auto tokens = golden_tokenizer("qwen35", [](gguf::Draft& d) {
        std::vector<std::string> names;
        std::vector<int32_t> types(256, 1);
        for (int b = 0; b < 256; ++b) names.push_back(gguf::spelled_byte(uint8_t(b)));
        for (const char* name : {"<unk>", "[PAD0]", "<0xE4>", "<tool>"}) names.push_back(name);
        for (const int type : {2, 5, 6, 4}) types.push_back(type);
        d.set_array("tokenizer.ggml.tokens", names);
        d.set_array("tokenizer.ggml.token_type", types);
        d.set_array("tokenizer.ggml.merges", std::vector<std::string>{});
        d.set("tokenizer.ggml.eos_token_id", 0u);
    });
    EXPECT_EQ(tokens->vocabulary().bytes(258), "\xe4");
    EXPECT_EQ(tokens->encode("[PAD0]").size(), 6u);  // never written out
    EXPECT_EQ(tokens->encode("<0xE4>").size(), 6u);
    EXPECT_EQ(tokens->encode("<tool>"), Tokens{259});
    EXPECT_EQ(tokens->encode("<unk>", {.control = true}), Tokens{256});
    EXPECT_EQ(tokens->encode("<unk>").size(), 5u);
}

TEST(TokenizerErrors, NameWhatIsWrong) {
    const auto tokens = golden_tokenizer();
    const auto size = tokens->vocabulary().size();
    EXPECT_EQ(failure([&] { tokens->decode(Tokens{Token(size)}); }), fmt::format("range: token {}: the vocabulary has 0 to {}", size, size - 1));
    EXPECT_EQ(failure([&] { tokens->decode(Tokens{-1}); }).substr(0, 16), "range: token -1:");
    EXPECT_NE(failure([] { golden_tokenizer("qwen2", [](gguf::Draft& d) { d.erase("tokenizer.ggml.tokens"); }); }).find("has no vocabulary"), std::string::npos);
    EXPECT_NE(failure([] { golden_tokenizer("llama-bpe"); }).find("tokenizer.ggml.pre 'llama-bpe'"), std::string::npos);
    EXPECT_NE(failure([] {
                  golden_tokenizer("qwen2", [](gguf::Draft& d) { d.set_array("tokenizer.ggml.merges", std::vector<std::string>{"a  b"}); });
              }).find("not two tokens with one space between"),
              std::string::npos);
}

TEST(TokenizerUnicode, KindsAndTails) {
    using tokenizer::Kind;
    const auto kind = [](std::string_view text) { return tokenizer::character_at(text, 0).kind; };
    EXPECT_EQ(kind("\u00e9"), Kind::letter);
    EXPECT_EQ(kind("\u0301"), Kind::mark);
    EXPECT_EQ(kind("\u2167"), Kind::number);
    EXPECT_EQ(kind("\u3000"), Kind::space);
    EXPECT_EQ(kind("\u2028"), Kind::space);
    EXPECT_EQ(kind("\x1c"), Kind::other);
    EXPECT_EQ(kind("\r"), Kind::newline);
    EXPECT_EQ(kind("\xed\xa0\x80"), Kind::other);  // a surrogate
    EXPECT_EQ(tokenizer::unfinished_tail("a\xf0\x9f\x98"), 3u);
    EXPECT_EQ(tokenizer::unfinished_tail("a\xf0\x9f\x98\x80"), 0u);
    EXPECT_EQ(tokenizer::unfinished_tail("\xe4\xb8"), 2u);
    EXPECT_EQ(tokenizer::unfinished_tail("\x80\x80"), 0u);
    EXPECT_EQ(tokenizer::unfinished_tail("\xf5"), 0u);
    EXPECT_EQ(tokenizer::unfinished_tail(""), 0u);
    EXPECT_EQ(tokenizer::well_formed("a\xff\xe4\xb8" "b\xf0\x9f\x98"), "a\ufffd\ufffd" "b\ufffd");
    EXPECT_EQ(tokenizer::composed("e\u0301\xff"), "\u00e9\xff");
}

}  // namespace
}  // namespace rw::test
