// What holds for any bytes: they come back, in whatever pieces they are decoded, and soon. REWIND_SEED repeats a run.
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "runtime/gguf/text.h"
#include "runtime/tokenizer/detokenizer.h"
#include "runtime/tokenizer/unicode.h"
#include "tests/runtime/tokenizer_fixture.h"

namespace rw::test {
namespace {

using tokenizer::Detokenizer;
using tokenizer::Token;

class Texts {
public:
    explicit Texts(uint64_t seed) : random_(seed) {}
    size_t below(size_t n) { return size_t(random_() % n); }

    /// Bytes, or characters, some of them cut in half, or a mixture with what tokenizers look at.
    std::string draw() {
        static constexpr const char* parts[] = {"a", "'s", " ", "  ", "\n", "\r\n", "7", "\u00e9", "e\u0301", "\u4e2d", "\U0001f600", "\u200d",
                                                "<|im_end|>", "<think>", "<|", "!", "\xe4\xb8", "\x80", "\xff", "the", "\xf0\x9f", "\u3000"};
        std::string out;
        const size_t mode = below(3), n = below(60);
        for (size_t i = 0; i < n; ++i) {
            if (mode == 0 || (mode == 2 && below(4) == 0)) out += char(random_());
            else out += parts[below(std::size(parts))];
        }
        return out;
    }

private:
    std::mt19937_64 random_;
};

class TokenizerProperty : public testing::Test {
protected:
    static void SetUpTestSuite() {
        const char* text = std::getenv("REWIND_SEED");
        seed_ = text ? std::strtoull(text, nullptr, 0) : std::random_device{}();
        std::printf("REWIND_SEED=%llu\n", static_cast<unsigned long long>(seed_));
        tokens_[0] = golden_tokenizer("qwen2");
        tokens_[1] = golden_tokenizer("qwen35");
    }
    static inline std::unique_ptr<tokenizer::Tokenizer> tokens_[2];
    static inline uint64_t seed_ = 0;
};

TEST_F(TokenizerProperty, AnyBytesComeBack) {
    Texts texts(seed_);
    for (int i = 0; i < 3000; ++i) {
        const std::string text = texts.draw(), more = texts.draw();
        const auto& tokens = *tokens_[i % 2];
        const bool control = texts.below(2);
        auto ids = tokens.encode(text, {.control = control});
        ASSERT_EQ(tokens.decode(ids, true), text) << i;
        const auto rest = tokens.encode(more, {.control = control});
        ids.insert(ids.end(), rest.begin(), rest.end());
        ASSERT_EQ(tokens.decode(ids, true), text + more) << i;
    }
}

TEST_F(TokenizerProperty, StreamedTextIsTheSameAndWholeCharacters) {
    Texts texts(seed_ + 1);
    const auto& tokens = *tokens_[1];
    size_t waited = 0;
    for (int i = 0; i < 3000; ++i) {
        std::vector<Token> ids = tokens.encode(texts.draw(), {.control = true});
        if (i % 3 == 0)  // what no encoder would give
            for (Token& id : ids) id = Token(texts.below(tokens.vocabulary().size()));
        const bool control = texts.below(2);
        const std::string whole = tokens.decode(ids, control);
        Detokenizer kept(tokens, control), replaced(tokens, control, Detokenizer::Invalid::replace);
        std::string bytes, text, so_far;
        for (const Token id : ids) {
            so_far += tokens.piece(id, control);
            bytes += kept.push(id);
            ASSERT_EQ(bytes.size(), so_far.size() - tokenizer::unfinished_tail(so_far)) << i;  // neither less nor more
            waited += bytes.size() < so_far.size();
            const std::string piece = replaced.push(id);
            ASSERT_TRUE(gguf::valid_utf8(piece)) << i;
            text += piece;
        }
        ASSERT_EQ(bytes + kept.finish(), whole) << i;
        ASSERT_EQ(text + replaced.finish(), tokenizer::well_formed(whole)) << i;
        ASSERT_EQ(kept.finish(), "");
    }
    EXPECT_GT(waited, 100u);
}

TEST_F(TokenizerProperty, ABadTokenLeavesTheStreamAsItWas) {
    Detokenizer out(*tokens_[1]);
    EXPECT_EQ(out.push(0xe4), "");
    EXPECT_THROW(out.push(-1), Error);
    EXPECT_EQ(out.push(0xb8), "");
    EXPECT_EQ(out.push(0xad), "\u4e2d");
    EXPECT_EQ(out.finish(), "");
}

TEST_F(TokenizerProperty, NoTextTakesLong) {
    const auto repeat = [](std::string_view part, size_t bytes) {
        std::string out;
        while (out.size() < bytes) out += part;
        return out;
    };
    std::string noise;
    std::mt19937_64 random(seed_);
    while (noise.size() < 100000) noise += char('a' + random() % 26);
    std::vector<std::string> texts{noise};
    for (const char* part : {"a", "ab", " ", " \n", "\n", "'", "!", "1", "\u0301", "\xff", "\u4e2d", "<|im_star", "<|x|>", "the", " \u3000", "\r\n \t", "<"})
        texts.push_back(repeat(part, 100000));
    for (const std::string& text : texts) {
        const std::clock_t start = std::clock();  // of the processor, which other tests may be using
        const auto ids = tokens_[1]->encode(text, {.control = true, .composed = true});
        const double took = double(std::clock() - start) / CLOCKS_PER_SEC;
        EXPECT_EQ(tokens_[1]->decode(ids, true), text) << gguf::printable(text, 12);
        EXPECT_LT(took, 2) << gguf::printable(text, 12);  // some 20 ms; a pass a byte over the piece takes minutes
    }
}

}  // namespace
}  // namespace rw::test
