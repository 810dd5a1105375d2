// The model under models/ writing under grammars: with drafts the same text as without, and a text of the grammar.
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/grammar/json_schema.h"
#include "runtime/spec/generator.h"
#include "runtime/spec/mtp_drafter.h"
#include "tests/runtime/grammar_fixture.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

const char* const person = R"({"type":"object","properties":{
    "name":{"type":"string","minLength":1,"maxLength":24},"age":{"type":"integer","minimum":0,"maximum":120},
    "likes":{"type":"array","items":{"type":"string","maxLength":12},"minItems":2,"maxItems":4},
    "born":{"type":"string","format":"date"},"gone":{"type":["boolean","null"]}},"required":["name","age","likes","born","gone"]})";

class GrammarModel : public testing::Test {
protected:
    static constexpr int n_max = 3;
    std::shared_ptr<const model::Model> model_ =
        std::make_shared<model::Model>(std::string(REWIND_MODELS) + "/rewind-demo-q8_0.gguf");
    tokenizer::Tokenizer tokenizer_{model_->file()};
    std::shared_ptr<const grammar::TokenTrie> trie_ = std::make_shared<const grammar::TokenTrie>(tokenizer_.vocabulary());
    std::unique_ptr<model::Context> context_;

    void SetUp() override {
        model::Options o;
        o.pools.context = 384, o.pools.most_exact = n_max + 1;
        context_ = std::make_unique<model::Context>(model_, core::open("cpu"), o);
    }

    struct Result {
        std::vector<int32_t> text;
        uint64_t hash;
        spec::Stop stop;
        bool operator==(const Result&) const = default;
    };
    Result write(grammar::Matcher& matcher, const sample::Options& sampling, int drafts, spec::Counts* counts = nullptr) {
        spec::MtpDrafter mtp(*context_);
        spec::Generator generator(*context_, &mtp);
        spec::Generation& g = generator.add({.prompt = tokenizer_.encode("The data of one person, in JSON:\n"),
                                             .most_tokens = 200,
                                             .ends = tokenizer_.vocabulary().ends(),
                                             .sampling = sampling,
                                             .constraint = matcher.start(),
                                             .n_max = drafts});
        while (generator.round()) {
        }
        if (counts) *counts = g.counts;
        return {g.text, g.state.hash(), g.stopped};
    }
};

TEST_F(GrammarModel, DraftsChangeNothing) {
    const grammar::Grammar grammars[] = {
        grammar::json_schema_text(person),
        grammar::Grammar::gbnf(R"(root ::= (word " "){6,10} word "." ("\n" [0-9]{1,3})?
                                  word ::= [a-z]{2,9} | [A-Z] [a-z]{1,300})"),
    };
    int64_t accepted = 0, ended = 0;
    for (size_t which = 0; which < std::size(grammars); ++which) {
        const auto matcher = std::make_shared<grammar::Matcher>(std::make_shared<const grammar::Grammar>(grammars[which]), trie_);
        std::set<std::string> different;
        for (const sample::Options& sampling : {sample::Options{}, {.temperature = 0.8, .seed = 1}, {.temperature = 1.2, .top_k = 40, .seed = 2}}) {
            const Result plain = write(*matcher, sampling, 0);
            spec::Counts counts;
            EXPECT_EQ(write(*matcher, sampling, n_max, &counts), plain);
            accepted += counts.accepted;
            // No end token is within the text; the one that ended it is not shown.
            const std::string text = tokenizer_.decode(plain.text);
            different.insert(text);
            if (plain.stop != spec::Stop::end_token) continue;
            ++ended;
            EXPECT_TRUE(grammars[which].accepts(text)) << text;
            if (which == 0) {
                const auto value = nlohmann::json::parse(text, nullptr, false);
                ASSERT_TRUE(value.is_object()) << text;
                EXPECT_EQ(value.size(), 5u) << text;
            }
        }
        EXPECT_EQ(different.size(), 3u);
    }
    EXPECT_GT(accepted, 0);
    EXPECT_GE(ended, 5);
}

}  // namespace
}  // namespace rw::test
