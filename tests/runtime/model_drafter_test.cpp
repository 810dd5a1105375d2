// A second model that drafts: what it guesses never reaches the text, and it computes nothing twice.
#include "runtime/spec/generator.h"
#include "runtime/spec/model_drafter.h"
#include "runtime/spec/same_vocabulary.h"
#include "tests/runtime/failing_device.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

model::Options options(int64_t sequences, int64_t most_exact) {
    model::Options o;
    o.pools.sequences = sequences, o.pools.most_exact = most_exact, o.mtp = false;
    return o;
}

gguf::Recipe other_recipe() {
    gguf::Recipe recipe;
    recipe.layers = 2, recipe.interval = 2, recipe.width = 32, recipe.ff = 64, recipe.seed = 9, recipe.mtp = gguf::Mtp::none;
    return recipe;
}

spec::Request request(int n_max, size_t length = 37, uint64_t prompt = 1) {
    return {.prompt = some_tokens(length, prompt), .most_tokens = 40, .n_max = n_max};
}

struct Text {
    std::vector<int32_t> tokens;
    uint64_t hash;
    bool operator==(const Text&) const = default;
};

Text plain(model::Context& c, spec::Request r) {
    r.n_max = 0;
    spec::Generator generator(c);
    const spec::Generation& g = generator.add(std::move(r));
    while (generator.round()) {
    }
    return {g.text, g.state.hash()};
}

class ModelDrafter : public Runtime {
protected:
    /// What does not depend on the device is tested on one.
    bool elsewhere() const { return !GetParam().starts_with("cpu"); }
    std::unique_ptr<spec::ModelDrafter> drafter(const model::Context& target, std::shared_ptr<const model::Model> drafting) const {
        const model::Options o = spec::ModelDrafter::options(target.options(), *drafting);
        return std::make_unique<spec::ModelDrafter>(target.model(), std::make_shared<model::Context>(drafting, device(), o));
    }
};

TEST_P(ModelDrafter, TheModelItselfGuessesAllAndComputesNothingTwice) {
    const auto c = context(options(1, 5));
    const auto own = drafter(*c, random_model());
    for (const int n_max : {1, 3, 4}) {
        if (elsewhere() && n_max != 3) continue;
        spec::Generator generator(*c, own.get());
        const int64_t before = own->evaluated();
        const spec::Generation& g = generator.add(request(n_max, 30));
        while (generator.round()) {
        }
        EXPECT_EQ((Text{g.text, g.state.hash()}), plain(*context(options(1, 5)), request(0, 30))) << n_max;
        EXPECT_EQ(g.counts.drafted, g.counts.accepted) << n_max;
        EXPECT_GT(g.counts.accepted, 20 * n_max / 4) << n_max;
        EXPECT_LE(own->evaluated() - before, int64_t(30 + g.text.size())) << n_max;
        generator.drop(g);
    }
}

TEST_P(ModelDrafter, AnotherTurnOfAConversationIsReadFromWhereItDiffers) {
    if (elsewhere()) GTEST_SKIP() << "on the CPU";
    const auto c = context(options(1, 5));
    const auto drafts = drafter(*c, random_model(other_recipe(), "drafting"));
    spec::Generator generator(*c, drafts.get());
    spec::Request r = request(4, 60);
    for (int turn = 0; turn < 3; ++turn) {
        const int64_t evaluated = drafts->evaluated(), reused = drafts->reused();
        const auto before = int64_t(r.prompt.size());
        const spec::Generation& g = generator.add(r);
        while (generator.round()) {
        }
        const std::vector<int32_t> said = g.text;
        const int64_t ran = 5 * g.counts.rounds;  // at most, of the turn itself
        generator.drop(g);
        if (turn > 0) {
            EXPECT_GE(drafts->reused() - reused, before - 15) << turn;  // all but this turn's own tokens and a draft
            EXPECT_LE(drafts->evaluated() - evaluated, 15 + ran) << turn;
        }
        r.prompt.insert(r.prompt.end(), said.begin(), said.end());
        for (const int32_t t : some_tokens(10, uint64_t(turn))) r.prompt.push_back(t);
    }
}

TEST_P(ModelDrafter, AnotherModelChangesNothing) {
    const auto other = random_model(other_recipe(), "drafting");
    for (const model::StateForm form : {model::StateForm::ring, model::StateForm::snapshots}) {
        if (elsewhere() && form != model::StateForm::ring) continue;
        model::Options o = options(3, 6);
        o.pools.form = form;
        const auto c = context(o);
        const auto drafts = drafter(*c, other);
        std::vector<Text> expected;
        for (uint64_t i = 0; i < 3; ++i) expected.push_back(plain(*c, request(0, 20 + 50 * i, i)));
        spec::Generator generator(*c, drafts.get());
        for (uint64_t i = 0; i < 3; ++i) generator.add(request(i == 2 ? spec::n_auto : 5, 20 + 50 * i, i));
        while (generator.round()) {
        }
        size_t i = 0;
        int64_t drafted = 0;
        for (const spec::Generation& g : generator.all()) {
            EXPECT_EQ((Text{g.text, g.state.hash()}), expected[i++]);
            EXPECT_EQ(g.counts.emitted, g.counts.accepted + g.counts.rounds);
            drafted += g.counts.drafted;
        }
        EXPECT_GT(drafted, 30);
        EXPECT_GT(drafts->bytes(), 0u);
    }
}

/// The guesses are those of the second model itself, run plainly from the start.
TEST_P(ModelDrafter, ItsStateIsExactAfterRejections) {
    if (elsewhere()) GTEST_SKIP() << "on the CPU";
    const auto c = context(options(1, 5));
    const auto other = random_model(other_recipe(), "drafting");
    const auto drafts = drafter(*c, other);
    const auto alone = std::make_unique<model::Context>(other, device(), spec::ModelDrafter::options(c->options(), *other));
    spec::Generator generator(*c, drafts.get());
    const spec::Generation& g = generator.add(request(4));
    for (;;) {
        std::vector<int32_t> text = g.request.prompt;
        text.insert(text.end(), g.text.begin(), g.text.end());
        if (!generator.round()) break;
        sequence::SequenceState state(*alone);
        alone->run({state.part(g.request.prompt)}, {.prefill = true});
        state.advance(int64_t(g.request.prompt.size()));
        int32_t next = -1;
        for (const int32_t t : std::span(text).subspan(g.request.prompt.size())) {
            alone->run({state.part(std::span(&t, 1))}, {.rows = {0}});
            state.advance(1);
            next = alone->candidates(0).front().token;
        }
        for (const model::Candidate& guess : g.last.draft) {
            ASSERT_EQ(guess.token, next) << "behind " << text.size() << " tokens";
            alone->run({state.part(std::span(&next, 1))}, {.rows = {0}});
            state.advance(1);
            next = alone->candidates(0).front().token;
        }
    }
    EXPECT_LT(g.counts.accepted, g.counts.drafted);  // or nothing was rolled back
}

TEST_P(ModelDrafter, TextsThatBeginAlikeAreReadOnce) {
    if (elsewhere()) GTEST_SKIP() << "on the CPU";
    const auto c = context(options(3, 4));
    const auto drafts = drafter(*c, random_model(other_recipe(), "drafting"));
    spec::Generator generator(*c, drafts.get());
    for (int i = 0; i < 3; ++i) generator.add(request(3, 150));
    while (generator.round()) {
    }
    EXPECT_GE(drafts->reused(), 2 * 140);
    const Text expected = plain(*context(options(1, 4)), request(0, 150));
    for (const spec::Generation& g : generator.all()) EXPECT_EQ((Text{g.text, g.state.hash()}), expected);
}

/// Where a copy of another sequence's state fails there is none, and nothing is believed to be in it.
TEST_P(ModelDrafter, ACopyThatFailsLeavesNothing) {
    if (elsewhere()) GTEST_SKIP() << "on the CPU";
    const auto c = context(options(2, 5));
    const auto failing = std::make_shared<FailingDevice>();
    const auto made = [&](std::shared_ptr<core::Device> device) {
        const model::Options o = spec::ModelDrafter::options(c->options(), *random_model());
        return spec::ModelDrafter(c->model(), std::make_shared<model::Context>(random_model(), std::move(device), o));
    };
    spec::ModelDrafter own = made(failing), sound = made(core::open("cpu"));
    const auto prompt = some_tokens(40, 1), other = some_tokens(40, 2), third = some_tokens(40, 3);
    const std::vector<int32_t> text{5};
    // It is read by and by: there is no guess, and then always the same.
    const auto guess = [&](spec::ModelDrafter& drafter, uint64_t id, const std::vector<int32_t>& of) {
        std::vector<spec::DraftJob> jobs{{{id, of, text, nullptr}, 3}};
        std::vector<int32_t> first, tokens;
        for (int i = 0; i < 4; ++i) {
            jobs[0].chain.clear(), tokens.clear();
            drafter.draft(jobs);
            for (const model::Candidate& candidate : jobs[0].chain) tokens.push_back(candidate.token);
            if (first.empty()) first = tokens;
            EXPECT_EQ(tokens, first);
        }
        return tokens;
    };
    const auto begin = [&](spec::ModelDrafter& drafter, uint64_t id, const std::vector<int32_t>& of) {
        drafter.begin({id, of, text, nullptr});
    };
    begin(sound, 1, prompt), begin(own, 1, prompt);
    const auto expected = guess(sound, 1, prompt);
    ASSERT_EQ(expected.size(), 3u);
    ASSERT_EQ(guess(own, 1, prompt), expected);
    begin(own, 2, prompt);
    failing->good = 0;
    EXPECT_THROW(guess(own, 2, prompt), Error);
    failing->good = -1;
    // The one that it was to be copied from goes: the next two need its place.
    own.end(1);
    begin(own, 3, other), begin(own, 4, third);
    EXPECT_EQ(guess(own, 3, other).size(), 3u);
    EXPECT_EQ(guess(own, 4, third).size(), 3u);
    own.end(3), own.end(4);
    EXPECT_EQ(guess(own, 2, prompt), expected);
}

TEST_P(ModelDrafter, OtherTokensAreRefused) {
    const auto target = random_model();
    const auto refusal = [&](gguf::Recipe recipe, const char* name) -> std::string {
        try {
            spec::check_same_vocabulary(*target, *random_model(recipe, name));
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::invalid_argument);
            return e.what();
        }
        return "";
    };
    EXPECT_EQ(refusal(other_recipe(), "drafting"), "");
    gguf::Recipe recipe = other_recipe();
    recipe.vocab = 500;
    const std::string shorter = refusal(recipe, "shorter");  // its last three are control tokens
    EXPECT_NE(shorter.find("token 497"), std::string::npos) << shorter;
    EXPECT_NE(shorter.find("control"), std::string::npos) << shorter;
    recipe.tokenizer = false;
    EXPECT_NE(refusal(recipe, "nameless").find("500 tokens, the model 512"), std::string::npos);
    recipe.vocab = 512;
    EXPECT_EQ(refusal(recipe, "nameless512"), "");
    const auto c = context(options(1, 4));
    model::Options o = spec::ModelDrafter::options(c->options(), *target);
    o.pools.form = model::StateForm::snapshots;
    EXPECT_THROW(spec::ModelDrafter(*target, std::make_shared<model::Context>(target, device(), o)), Error);
}

INSTANTIATE_TEST_SUITE_P(Device, ModelDrafter, testing::ValuesIn(device_ids()), device_name);

}  // namespace
}  // namespace rw::test
