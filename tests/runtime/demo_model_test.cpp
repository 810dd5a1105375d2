// The model under models/: trained, so that drafts are taken for what they are worth.
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/spec/generator.h"
#include "runtime/spec/make_drafter.h"
#include "runtime/spec/model_drafter.h"
#include "runtime/spec/mtp_drafter.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

constexpr int n_max = 3;

class Demo : public Runtime {
protected:
    std::shared_ptr<const model::Model> model_ =
        std::make_shared<model::Model>(std::string(REWIND_MODELS) + "/rewind-demo-q8_0.gguf");
    std::vector<std::vector<int32_t>> prompts_;

    void SetUp() override {
        std::ifstream file(std::string(REWIND_MODELS) + "/prompts.json");
        const tokenizer::Tokenizer tokenizer(model_->file());
        for (const auto& entry : nlohmann::json::parse(file))
            prompts_.push_back(tokenizer.encode(entry["text"].get<std::string>(), {.control = true}));
        ASSERT_EQ(prompts_.size(), 9u);
    }

    std::unique_ptr<model::Context> context() const {
        model::Options o;
        o.pools.context = 512, o.pools.most_exact = n_max + 1;
        return std::make_unique<model::Context>(model_, device(), o);
    }

    /// With drafts and without: the same text, of which the counts are returned.
    static spec::Counts compare(model::Context& c, const std::vector<int32_t>& prompt, int64_t tokens) {
        spec::MtpDrafter mtp(c);
        spec::Generator plain(c), drafting(c, &mtp);
        spec::Generation& expected = plain.add({.prompt = prompt, .most_tokens = tokens});
        while (plain.round()) {
        }
        const auto text = expected.text;
        const uint64_t hash = expected.state.hash();
        plain.drop(expected);
        spec::Generation& g = drafting.add({.prompt = prompt, .most_tokens = tokens, .n_max = n_max});
        while (drafting.round()) {
        }
        EXPECT_EQ(g.text, text);
        EXPECT_EQ(g.state.hash(), hash);
        return g.counts;
    }
};

TEST_P(Demo, DraftsAreTakenAndChangeNothing) {
    const auto c = context();
    const bool cpu = c->device().info().id.starts_with("cpu");
    int64_t drafted = 0, accepted = 0;
    for (size_t i = 0; i < (cpu ? prompts_.size() : 1); ++i) {
        const spec::Counts n = compare(*c, prompts_[i], cpu ? 192 : 24);
        drafted += n.drafted, accepted += n.accepted;
    }
    std::printf("%s: %ld of %ld drafts accepted\n", GetParam().c_str(), long(accepted), long(drafted));
    EXPECT_GT(drafted, 20);
    EXPECT_GE(double(accepted), (cpu ? 0.6 : 0.1) * double(drafted));
}

TEST_P(Demo, DraftingForItselfAllIsTaken) {
    if (!GetParam().starts_with("cpu")) GTEST_SKIP() << "one device does: model_drafter_test has them all";
    const auto c = context();
    spec::ModelDrafter itself(*model_, std::make_shared<model::Context>(model_, device(), spec::ModelDrafter::options(c->options(), *model_)));
    spec::Generator plain(*c), drafting(*c, &itself);
    const spec::Request r{.prompt = prompts_[1], .most_tokens = 96, .n_max = n_max};
    const spec::Generation& g = drafting.add(r);
    while (drafting.round()) {
    }
    EXPECT_EQ(g.counts.accepted, g.counts.drafted);
    EXPECT_GE(g.counts.drafted, 70);
    const auto text = g.text;
    const uint64_t hash = g.state.hash();
    drafting.drop(g);
    spec::Generation& expected = plain.add({.prompt = prompts_[1], .most_tokens = r.most_tokens});
    while (plain.round()) {
    }
    EXPECT_EQ(expected.text, text);
    EXPECT_EQ(expected.state.hash(), hash);
}

/// A text that repeats itself: tokens looked up, and where these end the block goes on.
TEST_P(Demo, LookedUpGuessesAreExtended) {
    if (!GetParam().starts_with("cpu")) GTEST_SKIP() << "one device does";
    model::Options o;
    o.pools.context = 512, o.pools.most_exact = 9;
    model::Context c(model_, device(), o);
    const std::vector<int32_t> prompt = tokenizer::Tokenizer(model_->file())
                                            .encode("And it came to pass, that he went out, and said unto them, And it came to pass");
    const auto write = [&](const char* who, int n) {
        const auto drafter = spec::DrafterText(who).make(c);
        spec::Generator generator(c, drafter.get());
        const spec::Generation& g = generator.add({.prompt = prompt, .most_tokens = 96, .n_max = n});
        while (generator.round()) {
        }
        return std::make_tuple(g.text, g.state.hash(), g.counts);
    };
    const auto [text, hash, none] = write("none", 0);
    const auto [mapped_text, mapped_hash, mapped] = write("ngram-map:n=1:min-hits=2,mtp", 8);
    const auto [longer_text, longer_hash, longer] = write("ngram-map:n=1:min-hits=2:extend,mtp", 8);
    EXPECT_EQ(mapped_text, text);
    EXPECT_EQ(longer_text, text);
    EXPECT_EQ(mapped_hash, hash);
    EXPECT_EQ(longer_hash, hash);
    std::printf("looked up, or the block: %ld of %ld in %ld rounds; extended: %ld of %ld in %ld rounds\n", long(mapped.accepted),
                long(mapped.drafted), long(mapped.rounds), long(longer.accepted), long(longer.drafted), long(longer.rounds));
    EXPECT_GT(longer.drafted, mapped.drafted);
    EXPECT_LE(longer.rounds, mapped.rounds);
}

INSTANTIATE_TEST_SUITE_P(Device, Demo, testing::ValuesIn(device_ids()), device_name);

}  // namespace
}  // namespace rw::test
