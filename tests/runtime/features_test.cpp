// With each way of choosing tokens on: drafts change how soon a text comes, never what it is. On the model under models/,
// which is trained, so that drafts are taken and what they leave behind matters.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "runtime/grammar/matcher.h"
#include "runtime/sample/candidates.h"
#include "runtime/sample/thinking.h"
#include "runtime/spec/generator.h"
#include "runtime/spec/mtp_drafter.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tests/runtime/chi_square.h"
#include "tests/runtime/fuse.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

using Tokens = std::vector<int32_t>;

/// Tokens of one of three classes, in turn: whatever is drafted without knowing of it is wrong most of the time.
class InTurn : public sample::Constraint {
public:
    explicit InTurn(int32_t turn = 0) : turn_(turn) {}
    bool allows(int32_t token) const override { return token % 3 != turn_; }
    void mask(std::span<float> logits) const override {
        for (size_t i = 0; i < logits.size(); ++i)
            if (!allows(int32_t(i))) logits[i] = -INFINITY;
    }
    std::shared_ptr<const Constraint> after(int32_t) const override { return std::make_shared<InTurn>((turn_ + 1) % 3); }

private:
    int32_t turn_;
};

struct Result {
    Tokens text;
    uint64_t hash;
    std::vector<std::pair<float, size_t>> logprobs;
    spec::Stop stop;
    std::optional<uint64_t> cut;
    bool operator==(const Result&) const = default;
};

Result result_of(const spec::Generation& g) {
    Result r{g.text, g.state.hash(), {}, g.stopped, {}};
    for (const auto& l : g.logprobs) {
        r.logprobs.push_back({l.logprob, l.most_likely.size()});
        for (const auto& [token, logprob] : l.most_likely) r.logprobs.push_back({logprob, size_t(token)});
    }
    if (g.stops.found()) r.cut = g.stops.found()->at;
    return r;
}

class Features : public testing::Test {
protected:
    static constexpr int n_max = 3;
    std::shared_ptr<const model::Model> model_ =
        std::make_shared<model::Model>(std::string(REWIND_MODELS) + "/rewind-demo-q8_0.gguf");
    tokenizer::Tokenizer tokenizer_{model_->file()};
    std::vector<Tokens> prompts_;

    void SetUp() override {
        std::ifstream file(std::string(REWIND_MODELS) + "/prompts.json");
        for (const auto& entry : nlohmann::json::parse(file))
            prompts_.push_back(tokenizer_.encode(entry["text"].get<std::string>(), {.control = true}));
    }

    std::unique_ptr<model::Context> context(int64_t sequences, model::StateForm form = model::StateForm::ring) const {
        model::Options o;
        o.pools.form = form;
        o.pools.context = 384, o.pools.most_exact = n_max + 1, o.pools.sequences = sequences;
        return std::make_unique<model::Context>(model_, core::open("cpu"), o);
    }

    spec::Request request(size_t prompt, const sample::Options& sampling = {}) const {
        return {.prompt = prompts_[prompt % prompts_.size()], .most_tokens = 48, .sampling = sampling, .n_max = n_max};
    }
    sample::Stops stops(std::vector<std::string> strings) const {
        return sample::Stops(std::move(strings), [this](int32_t token) { return tokenizer_.piece(token); });
    }

    static Result plain(model::Context& c, spec::Request r) {
        r.n_max = 0;
        spec::Generator generator(c);
        spec::Generation& g = generator.add(std::move(r));
        while (generator.round()) {
        }
        return result_of(g);
    }

    struct Named {
        const char* name;
        spec::Request request;
    };
    std::vector<Named> all() const {
        std::vector<Named> list;
        const auto add = [&](const char* name, const sample::Options& sampling) -> spec::Request& {
            list.push_back({name, request(list.size(), sampling)});
            return list.back().request;
        };
        add("temperature", {.temperature = 0.7, .seed = 1});
        add("truncated", {.temperature = 0.9, .top_k = 50, .top_p = 0.9, .min_p = 0.02, .seed = 2});
        add("typical", {.temperature = 0.8, .typical_p = 0.9, .seed = 3});
        add("repetition", {.penalties = {.repeat = 1.15, .last_n = 40}});
        add("presence and frequency",
            {.temperature = 0.5, .penalties = {.presence = 0.3, .frequency = 0.2, .last_n = -1}, .seed = 4});
        add("presence and frequency of the text alone",
            {.penalties = {.presence = 0.4, .frequency = 0.3, .last_n = 30, .of_text = true}});
        add("DRY", {.dry = {.multiplier = 0.8, .breakers = tokenizer_.encode(".")}});
        add("DRY, sampled", {.temperature = 0.4, .dry = {.multiplier = 2, .allowed_length = 1, .last_n = 30}, .seed = 5});
        add("logit bias", {.logit_bias = {{tokenizer_.encode(",")[0], -100}, {tokenizer_.encode(" and")[0], 2}}});
        add("mirostat", {.temperature = 1, .mirostat = {.tau = 3}, .seed = 6});
        add("logprobs", {.logprobs = 4});
        add("logprobs, sampled", {.temperature = 0.7, .logit_bias = {{tokenizer_.encode(",")[0], -9}}, .seed = 7, .logprobs = 0});
        add("constraint", {}).constraint = std::make_shared<InTurn>();
        add("constraint, sampled", {.temperature = 0.6, .seed = 8}).constraint = std::make_shared<InTurn>(1);
        add("stop strings", {}).stops = stops({"nowhere in the text", "e"});
        sample::ThinkingMarks thought = sample::thinking_marks(tokenizer_);
        thought.ends.clear();
        add("thinking", {.temperature = 0.6, .seed = 9}).constraint =
            sample::thinking(thought, {.budget = 21, .inside = true}, std::make_shared<InTurn>());
        const auto rules = [&](const char* gbnf) {
            return std::make_shared<grammar::Matcher>(
                std::make_shared<const grammar::Grammar>(grammar::Grammar::gbnf(gbnf)),
                std::make_shared<const grammar::TokenTrie>(tokenizer_.vocabulary()))->start();
        };
        constexpr const char* letters = R"(root ::= ([A-Z] [a-z]+ (" " [a-z]+)+ ". ")+)";
        add("grammar", {}).constraint = rules(letters);
        add("grammar, sampled", {.temperature = 0.5, .top_p = 0.95, .seed = 11}).constraint = rules(letters);
        add("grammar behind thinking", {.penalties = {.repeat = 1.1}}).constraint =
            sample::thinking(thought, {.budget = 15, .inside = true}, rules(letters));
        spec::Request& r = add("all at once", {.temperature = 0.7, .top_k = 200, .penalties = {.repeat = 1.1, .frequency = 0.1},
                                               .dry = {.multiplier = 0.5}, .logit_bias = {{300, 1}}, .seed = 10, .logprobs = 2});
        r.constraint = std::make_shared<InTurn>(), r.stops = stops({"zzz"});
        for (Named& f : list) f.request.ends = tokenizer_.vocabulary().ends();
        return list;
    }
};

TEST_F(Features, TextWithDraftsIsTextWithout) {
    const auto c = context(2);
    spec::MtpDrafter mtp(*c);
    int64_t drafted = 0, accepted = 0;
    for (Named& f : all()) {
        const Result expected = plain(*c, f.request);
        spec::Request bare = f.request;
        bare.constraint = nullptr, bare.stops = {};
        bare.sampling = {.temperature = f.request.sampling.temperature, .seed = f.request.sampling.seed};
        const bool changes = std::string(f.name) != "temperature" && std::string(f.name) != "logprobs";
        EXPECT_EQ(plain(*c, bare).text != expected.text, changes)
            << f.name << " has no effect on this text, or should have none";
        spec::Generator generator(*c, &mtp);
        const spec::Generation& g = generator.add(std::move(f.request));
        while (generator.round()) {
        }
        EXPECT_EQ(result_of(g), expected) << f.name;
        if (g.text.size() > 30) {
            EXPECT_GT(g.counts.accepted, 0) << f.name;
        }
        drafted += g.counts.drafted, accepted += g.counts.accepted;
        EXPECT_EQ(g.logprobs.size(), g.request.sampling.logprobs >= 0 ? g.text.size() : 0);
    }
    std::printf("%ld of %ld drafts accepted\n", long(accepted), long(drafted));
}

TEST_F(Features, SequencesWithSamplersOfTheirOwnSayWhatTheySayAlone) {
    std::vector<Named> features = all();
    const auto c = context(int64_t(features.size()));
    spec::MtpDrafter mtp(*c);
    std::vector<Result> expected;
    for (const Named& f : features) expected.push_back(plain(*c, f.request));
    spec::Generator generator(*c, &mtp);
    for (Named& f : features) generator.submit(std::move(f.request));
    while (generator.step()) {
    }
    size_t i = 0;
    for (const spec::Generation& g : generator.all()) {
        EXPECT_EQ(result_of(g), expected[i]) << features[i].name;
        ++i;
    }
}

TEST_F(Features, AStopStringInsideADraftEndsTheTextThere) {
    const auto c = context(2);
    spec::MtpDrafter mtp(*c);
    const Tokens whole = plain(*c, request(0)).text;
    int inside = 0;
    for (size_t at = 5; at < 44; at += 3) {
        // From the middle of one token to the middle of the next, or as near as there is.
        const std::string left(tokenizer_.piece(whole[at])), right(tokenizer_.piece(whole[at + 1]));
        const std::string stop = left.substr(left.size() / 2) + right.substr(0, (right.size() + 1) / 2);
        const std::string text = tokenizer_.decode(whole);
        spec::Request r = request(0);
        r.stops = stops({"no such thing", stop});
        const Result expected = plain(*c, r);
        EXPECT_EQ(expected.stop, spec::Stop::stop_string) << stop;
        EXPECT_EQ(*expected.cut, text.find(stop));
        EXPECT_TRUE(std::equal(expected.text.begin(), expected.text.end(), whole.begin()));
        const std::string kept = tokenizer_.decode(expected.text);
        EXPECT_GE(kept.size(), *expected.cut + stop.size());
        EXPECT_LT(kept.size() - tokenizer_.piece(expected.text.back()).size(), *expected.cut + stop.size());

        spec::Generator generator(*c, &mtp);
        const spec::Generation& g = generator.add(std::move(r));
        while (generator.round()) {
        }
        EXPECT_EQ(result_of(g), expected);
        EXPECT_EQ(g.state.pos(), int64_t(g.request.prompt.size() + g.text.size()) - 1);
        const size_t last = size_t(g.last.accepted);  // the last token is drafted, but not counted as accepted
        inside += last < g.last.draft.size() && g.last.draft[last].token == g.text.back();
        generator.drop(g);
    }
    EXPECT_GT(inside, 3);
}

TEST_F(Features, OneThatThrowsFailsAlone) {
    using enum model::StateForm;
    for (const model::StateForm form : {ring, snapshots, checkpoint}) {
        const auto c = context(2, form);
        spec::MtpDrafter mtp(*c);
        const sample::Options sampling{
            .temperature = 0.5, .penalties = {.repeat = 1.2}, .dry = {.multiplier = 1}, .seed = 3, .logprobs = 1};
        spec::Request other = request(1, sampling), blown = request(2);
        blown.constraint = std::make_shared<Fuse>(12);
        const Result expected = plain(*c, other);
        spec::Generator generator(*c, &mtp);
        spec::Generation& g = generator.add(std::move(other));
        spec::Generation& bad = generator.add(std::move(blown));
        const auto go_on = [&] {
            while (generator.round()) {
            }
        };
        EXPECT_THROW(go_on(), Error);
        const Tokens half = bad.text;
        EXPECT_EQ(bad.stopped, spec::Stop::failed);
        EXPECT_LE(half.size(), 12u);
        EXPECT_EQ(g.stopped, spec::Stop::none);
        EXPECT_LT(g.text.size(), expected.text.size());
        go_on();
        EXPECT_EQ(result_of(g), expected);
        EXPECT_EQ(bad.text, half);
    }
}

TEST_F(Features, ATextGoesOnFromAStateWithAllThatHolds) {
    const auto c = context(2);
    spec::MtpDrafter mtp(*c);
    spec::Request r = request(4, {.penalties = {.repeat = 1.2, .last_n = -1}, .dry = {.multiplier = 1}});
    r.constraint = std::make_shared<InTurn>(), r.stops = stops({"nothing of the kind"});
    const Result expected = plain(*c, r);
    spec::Generator generator(*c, &mtp);
    // Up to the first token, and on from there.
    spec::Request first = r;
    first.most_tokens = 1;
    const spec::Generation& begun = generator.add(first);
    sequence::SequenceState state = begun.state.fork();
    const int32_t last = begun.text[0];
    const spec::Generation& g = generator.resume(std::move(state), last, r);
    while (generator.round()) {
    }
    EXPECT_EQ(result_of(g), expected);
    generator.drop(g);
    r.constraint = std::make_shared<InTurn>(last % 3);
    EXPECT_THROW(generator.resume(begun.state.fork(), last, r), Error);
}

TEST_F(Features, DraftsByRatioAreChosenAsTheSamplerSays) {
    const auto c = context(2);
    spec::MtpDrafter mtp(*c);
    spec::Request r = request(3, {.temperature = 0.9, .top_k = 100, .penalties = {.repeat = 1.1}, .seed = 12});
    r.ratio = true;
    spec::Generator generator(*c, &mtp);
    const spec::Generation& g = generator.add(r);
    std::vector<std::pair<size_t, Tokens>> rounds;  // tokens before it, draft
    for (size_t before = g.text.size(); generator.round(); before = g.text.size()) {
        rounds.push_back({before, {}});
        for (const auto& guess : g.last.draft) rounds.back().second.push_back(guess.token);
    }
    EXPECT_GT(g.counts.accepted, 0);
    EXPECT_LT(g.counts.accepted, g.counts.drafted);
    // The same choices, one after the other, from the logits of the text.
    sample::Sampler sampler(r.sampling);
    sampler.begin(r.prompt);
    sequence::SequenceState state(*c);
    c->run({state.part(r.prompt)}, {.prefill = true});
    state.advance(int64_t(r.prompt.size()));
    sampler.accept({g.text[0]});
    size_t round = 0;
    for (size_t i = 1; i < g.text.size(); ++i) {
        while (round + 1 < rounds.size() && rounds[round + 1].first <= i) ++round;
        const auto& [before, draft] = rounds[round];
        const auto logits = run_exact(state, std::span(g.text).subspan(i - 1, 1)).front();
        const auto guess = i - before < draft.size() ? std::optional(draft[i - before]) : std::nullopt;
        const auto choice = sampler.choose(logits, state.pos(), guess);
        ASSERT_EQ(choice.token, g.text[i]) << i;
        sampler.accept(choice);
    }
}

TEST_F(Features, DraftsByRatioLeaveTheModelsDistributionAsItIs) {
    const auto c = context(1);
    sequence::SequenceState state(*c);
    const Tokens& prompt = prompts_[5];
    c->run({state.part(std::span(prompt).first(40))}, {.prefill = true});
    state.advance(40);
    const auto rows = run_exact(state, std::span(prompt).subspan(40, 3));
    for (const auto& row : rows) {
        std::vector<float> logits;  // the rest of the vocabulary only costs time
        for (const auto& w : sample::greatest(row, 70)) logits.push_back(w.logit);
        const sample::Sampler sampler({.temperature = 1, .top_k = 50, .seed = 17});
        std::vector<double> shares(logits.size());
        for (const auto& [token, p] : sampler.distribution(logits)) shares[size_t(token)] = p;
        const int32_t drafts[] = {0, 0, 1, 20, 60};  // the last is not among the 50
        std::vector<int64_t> counts(shares.size());
        for (int64_t i = 0; i < 200000; ++i) ++counts[size_t(sampler.choose(logits, i, drafts[i % 5]).token)];
        EXPECT_TRUE(drawn_from(shares, counts));
    }
}

}  // namespace
}  // namespace rw::test
