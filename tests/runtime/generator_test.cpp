// Drafts change how soon a text comes, never what it is.
#include "runtime/sample/random.h"
#include "runtime/spec/generator.h"
#include "runtime/spec/make_drafter.h"
#include "runtime/spec/mtp_drafter.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

using model::StateForm;

model::Options options(StateForm form, int64_t sequences, int64_t most_exact, Type kv = Type::f16) {
    model::Options o;
    o.pools.form = form, o.pools.sequences = sequences, o.pools.most_exact = most_exact, o.pools.kv = kv;
    return o;
}

/// Knows what the model will say and guesses it most of the time, so that every number of accepted drafts comes up.
class Oracle : public spec::Drafter {
public:
    explicit Oracle(std::vector<int32_t> text) : text_(std::move(text)) {}
    void draft(std::span<spec::DraftJob> jobs) override {
        for (spec::DraftJob& job : jobs)
            for (int i = 0; i < job.most; ++i) {
                const size_t at = job.known.text.size() + size_t(i);
                const bool right = sample::uniform(7, 0, int64_t(at * 31 + job.known.text.size())) < 0.8;
                job.chain.push_back({at < text_.size() && right ? text_[at] : int32_t(at % 512), 1});
            }
    }

private:
    std::vector<int32_t> text_;
};

spec::Request request(int n_max, const sample::Options& sampling = {}, uint64_t prompt = 1) {
    return {.prompt = some_tokens(37, prompt), .most_tokens = 28, .sampling = sampling, .n_max = n_max};
}

spec::Generation& finished(spec::Generator& generator, spec::Request r) {
    spec::Generation& g = generator.add(std::move(r));
    while (generator.round()) {
    }
    return g;
}

struct Text {
    std::vector<int32_t> tokens;
    uint64_t hash;
    bool operator==(const Text&) const = default;
};
Text text_of(const spec::Generation& g) { return {g.text, g.state.hash()}; }

Text plain(model::Context& c, const sample::Options& sampling = {}, uint64_t prompt = 1) {
    spec::Generator generator(c);
    return text_of(finished(generator, request(0, sampling, prompt)));
}

void expect_sound(const spec::Counts& n) {
    EXPECT_EQ(n.emitted, n.accepted + n.rounds);
    int64_t tried = 0, taken = 0;
    for (const int64_t t : n.tried) tried += t;
    for (const int64_t t : n.taken) taken += t;
    EXPECT_EQ(taken, n.accepted);
    EXPECT_LE(tried, n.drafted);
}

const sample::Options warm{.temperature = 0.8, .top_k = 40, .top_p = 0.95, .seed = 42};

TEST_P(Runtime, MtpTextIsPlainText) {
    constexpr std::pair<StateForm, Type> contexts[] = {
        {StateForm::ring, Type::f16}, {StateForm::snapshots, Type::f16}, {StateForm::checkpoint, Type::f16},
        {StateForm::ring, Type::q8_0}};
    for (const auto& [form, kv] : contexts) {
        const auto c = context(options(form, 1, 9, kv));
        for (const sample::Options& sampling : {sample::Options{}, warm}) {
            const Text expected = plain(*c, sampling);
            spec::MtpDrafter mtp(*c);
            for (int n_max = 0; n_max <= 8; ++n_max) {
                spec::Generator generator(*c, &mtp);
                const spec::Generation& g = finished(generator, request(n_max, sampling));
                EXPECT_EQ(g.text, expected.tokens) << "n_max " << n_max;
                EXPECT_EQ(g.state.hash(), expected.hash) << "n_max " << n_max;
                EXPECT_EQ(g.counts.drafted > 0, n_max > 0);
                expect_sound(g.counts);
            }
        }
    }
}

TEST_P(Runtime, DraftsOfAFewTokensLeaveTheText) {
    model::Options few = options(StateForm::ring, 2, 5);
    few.draft_vocab = 100;  // of 512
    const auto all = context(options(StateForm::ring, 2, 5)), some = context(few);
    for (const sample::Options& sampling : {sample::Options{}, warm}) {
        const Text expected = plain(*all, sampling);
        spec::MtpDrafter mtp(*some);
        spec::Generator generator(*some, &mtp);
        const spec::Generation& g = generator.add(request(4, sampling));
        while (generator.round())
            for (const model::Candidate& c : g.last.draft) EXPECT_LT(c.token, 100);
        EXPECT_GT(g.counts.drafted, 0);
        EXPECT_EQ(g.text, expected.tokens);
        EXPECT_EQ(g.state.hash(), expected.hash);
    }
}

TEST_P(Runtime, TextWithGoodDraftsIsPlainText) {
    for (const StateForm form : {StateForm::ring, StateForm::snapshots, StateForm::checkpoint}) {
        const auto c = context(options(form, 1, 9));
        const Text expected = plain(*c);
        Oracle oracle(expected.tokens);
        for (const int n_max : {1, 2, 3, 5, 8}) {
            spec::Generator generator(*c, &oracle);
            const spec::Generation& g = finished(generator, request(n_max));
            EXPECT_EQ(g.text, expected.tokens) << "n_max " << n_max;
            EXPECT_GT(g.counts.accepted, 10);
            EXPECT_LT(g.counts.accepted, g.counts.drafted);
            expect_sound(g.counts);
        }
    }
}

TEST_P(Runtime, TextWithLookedUpDraftsIsPlainText) {
    const auto c = context(options(StateForm::ring, 2, 9));
    // A prompt that repeats itself, so that there is much to look up, right and wrong.
    spec::Request r = request(8);
    for (size_t i = 0; i < 60; ++i) r.prompt.push_back(r.prompt[i % 7]);
    r.most_tokens = 40;
    for (const sample::Options& sampling : {sample::Options{}, sample::Options{.temperature = 0.3, .top_k = 3, .seed = 1}}) {
        r.sampling = sampling;
        spec::Request without = r;
        without.n_max = 0;
        spec::Generator alone(*c);
        const Text expected = text_of(finished(alone, without));
        for (const char* who : {"ngram-simple:n=1", "ngram-map:n=1", "ngram-mod:n=1", "ngram-map:n=1:fewest=2,mtp", "ngram-map:n=2:extend,mtp"}) {
            const auto drafter = spec::DrafterText(who).make(*c);
            spec::Generator generator(*c, drafter.get());
            const spec::Generation& g = finished(generator, r);
            EXPECT_EQ(text_of(g), expected) << who;
            EXPECT_GT(g.counts.drafted, 0) << who;
            expect_sound(g.counts);
            generator.drop(g);
        }
    }
}

TEST_P(Runtime, AChainGoesOnWithAGuessAsWithItsOwn) {
    const auto c = context(options(StateForm::ring, 2, 9));
    const std::vector<int32_t> prompt = some_tokens(20, 3), last{7};
    std::vector<sequence::SequenceState> states;
    for (int i = 0; i < 2; ++i) {
        states.emplace_back(*c);
        const auto part = std::span(prompt).first(size_t(20 - 5 * i));
        c->run({states.back().part(part)}, {.prefill = true, .mtp = true});
        states.back().advance(int64_t(part.size()), true);
    }
    const auto own = c->draft({states[0].part(last), states[1].part(last)}, {8, 6});
    for (const size_t known : {1, 3, 5}) {
        std::vector<std::vector<int32_t>> tokens(2, last);
        for (size_t k = 0; k < known; ++k)
            for (size_t b = 0; b < 2; ++b) tokens[b].push_back(own[k][b].token);
        const auto rest = c->draft({states[0].part(tokens[0]), states[1].part(tokens[1])}, {8, 6});
        ASSERT_EQ(rest.size(), 8 - known);
        for (size_t k = known; k < 8; ++k)
            for (size_t b = 0; b < (k < 6 ? 2u : 1u); ++b) {
                EXPECT_EQ(rest[k - known][b].token, own[k][b].token);
                EXPECT_EQ(rest[k - known][b].probability, own[k][b].probability);
            }
        tokens[0].back() ^= 1;  // another guess is gone on with otherwise
        const auto other = c->draft({states[0].part(tokens[0]), states[1].part(tokens[1])}, {8, 6});
        EXPECT_NE(other[0][0].probability, own[known][0].probability);
        EXPECT_EQ(other[0][1].probability, own[known][1].probability);
    }
    const std::vector<int32_t> two{7, 8};
    EXPECT_THROW(c->draft({states[0].part(two)}, {1}), Error);
    EXPECT_THROW(c->draft({states[0].part(two), states[1].part(last)}, {3, 3}), Error);
}

TEST_P(Runtime, TheStateDoesNotDependOnHowLongDraftsMayBe) {
    for (const StateForm form : {StateForm::ring, StateForm::snapshots, StateForm::checkpoint}) {
        const auto least = context(options(form, 1, 1)), few = context(options(form, 1, 2)), many = context(options(form, 1, 9));
        for (const size_t length : {3, 17, 20, 37, 70, 129}) {
            spec::Request r = request(0);
            r.prompt = some_tokens(length, 5), r.most_tokens = 3;
            spec::Generator a(*least), b(*few), c(*many);
            const Text expected = text_of(finished(a, r));
            EXPECT_EQ(text_of(finished(b, r)), expected) << length << " tokens";
            EXPECT_EQ(text_of(finished(c, r)), expected) << length << " tokens";
        }
    }
}

TEST_P(Runtime, APromptGoesOnFromWhereTheSequenceWasRolledBackTo) {
    const std::vector<int32_t> first = some_tokens(20, 1), said = some_tokens(5, 2), more = some_tokens(30, 3);
    for (const StateForm form : {StateForm::ring, StateForm::snapshots}) {
        const auto c = context(options(form, 2, 9));
        const auto prompt = [&](sequence::SequenceState& s, std::span<const int32_t> tokens) {
            c->run({s.part(tokens)}, {.prefill = true});
            s.advance(int64_t(tokens.size()));
        };
        sequence::SequenceState straight(*c), back(*c);
        prompt(straight, first), prompt(back, first);
        run_exact(straight, std::span(said).first(2));
        run_exact(back, said);
        back.rollback(22);
        prompt(straight, more), prompt(back, more);
        EXPECT_EQ(back.pos(), straight.pos());
        EXPECT_EQ(back.hash(), straight.hash());
        EXPECT_EQ(back.refusal(51).empty(), form == StateForm::ring);
    }
}

TEST_P(Runtime, TextOfAsManyDraftsAsPayIsPlainText) {
    const auto c = context(options(StateForm::ring, 2, 9));
    const Text expected = plain(*c), other = plain(*c, {}, 2);
    Oracle oracle(expected.tokens);
    spec::MtpDrafter mtp(*c);
    for (spec::Drafter* drafter : std::initializer_list<spec::Drafter*>{&oracle, &mtp}) {
        spec::Generator generator(*c, drafter);
        const spec::Generation& g = generator.add(request(spec::n_auto));
        const spec::Generation& h = generator.add(request(spec::n_auto, {}, 2));
        while (generator.round()) {
            EXPECT_LE(g.last.draft.size(), 8u);
        }
        EXPECT_EQ(text_of(g), expected);
        EXPECT_EQ(text_of(h), other);
        EXPECT_GT(g.counts.drafted, 0);
        expect_sound(g.counts);
    }
}

void check_together(model::Context& c, const sample::Options& sampling) {
    spec::MtpDrafter mtp(c);
    std::vector<Text> expected;
    for (uint64_t i = 0; i < 4; ++i) expected.push_back(plain(c, sampling, i));
    spec::Generator generator(c, &mtp);
    for (int i = 0; i < 4; ++i) generator.add(request(i + 1, sampling, uint64_t(i)));  // drafts of different lengths
    while (generator.round()) {
    }
    size_t i = 0;
    for (const spec::Generation& g : generator.all()) {
        EXPECT_EQ(text_of(g), expected[i]) << "sequence " << i;
        ++i;
    }
}

TEST_P(Runtime, SequencesTogetherSayWhatTheySayAlone) {
    const auto c = context(options(StateForm::ring, 4, 5));
    for (const sample::Options& sampling : {sample::Options{}, warm}) check_together(*c, sampling);
    check_together(*context(options(StateForm::ring, 4, 5, Type::q8_0)), {});
}

TEST_P(Runtime, SequencesTogetherInSnapshots) { check_together(*context(options(StateForm::snapshots, 4, 5)), {}); }
TEST_P(Runtime, SequencesTogetherWithCheckpoints) { check_together(*context(options(StateForm::checkpoint, 4, 5)), {}); }

TEST_P(Runtime, OnePromptInFourSequencesGivesOneAnswer) {
    for (const StateForm form : {StateForm::ring, StateForm::snapshots}) {
        for (const sample::Options& sampling : {sample::Options{}, warm}) {
            const auto c = context(options(form, 4, 4));
            spec::MtpDrafter mtp(*c);
            spec::Generator generator(*c, &mtp);
            spec::Request r = request(3, sampling);
            r.prompt = some_tokens(100, 1);  // long enough for products that promise no row's bits alone
            for (int i = 0; i < 4; ++i) generator.add(r);
            while (generator.round()) {
            }
            const auto alone = context(options(form, 1, 1));
            spec::Generator plain(*alone);
            r.n_max = 0;
            const Text expected = text_of(finished(plain, r));
            for (const spec::Generation& g : generator.all()) EXPECT_EQ(text_of(g), expected);
        }
    }
}

TEST_P(Runtime, ShortenedDraftsChangeNothing) {
    const auto c = context(options(StateForm::ring, 1, 65));
    const Text expected = plain(*c);
    Oracle oracle(expected.tokens);
    spec::MtpDrafter mtp(*c);
    struct Case {
        spec::Drafter* drafter;
        int n_max, n_min;
        double p_min;
    };
    for (const Case& k : {Case{&mtp, 8, 0, 0.01}, Case{&mtp, 8, 4, 0}, Case{&mtp, 8, 8, 0.002}, Case{&oracle, 64, 0, 0},
                          Case{&oracle, 64, 10, 0}, Case{&mtp, 20, 0, 0}, Case{&oracle, 8, 0, 1}}) {
        spec::Request r = request(k.n_max);
        r.n_min = k.n_min, r.p_min = k.p_min;
        spec::Generator generator(*c, k.drafter);
        const spec::Generation& g = generator.add(r);
        while (generator.round()) {
            EXPECT_TRUE(g.last.draft.empty() || int(g.last.draft.size()) >= k.n_min);
            for (const auto& guess : g.last.draft) EXPECT_GE(guess.probability, k.p_min);
        }
        EXPECT_EQ(text_of(g), expected) << "n_max " << k.n_max << " n_min " << k.n_min << " p_min " << k.p_min;
        expect_sound(g.counts);
        generator.drop(g);
    }
}

TEST_P(Runtime, ACancelledPromptLeavesRoomForTheNext) {
    model::Options o = options(StateForm::ring, 1, 4);
    o.chunk = 16;
    const auto c = context(o);
    spec::Request r = request(0);
    r.prompt = some_tokens(60, 4);
    spec::Generator generator(*c);
    const Text expected = text_of(finished(generator, r));
    generator.drop(generator.all().back());
    int calls = 0;
    const spec::Generation& stopped = generator.add(r, [&](uint64_t, uint64_t) { return ++calls < 2; });
    EXPECT_EQ(stopped.stopped, spec::Stop::cancelled);
    EXPECT_EQ(stopped.state.pos(), 32);
    EXPECT_FALSE(generator.round());
    EXPECT_THROW(generator.add(r), Error);  // it still has the only pool row
    generator.drop(stopped);
    generator.add(r), generator.round();  // and one that is dropped in the middle
    generator.drop(generator.all().back());
    EXPECT_EQ(text_of(finished(generator, r)), expected);
}

TEST_P(Runtime, PromptsAreCutWhereMessagesBegin) {
    model::Options o = options(StateForm::ring, 2, 4);
    o.chunk = 16;
    const auto c = context(o);
    spec::Request r = request(0);
    r.message_start = 509, r.most_tokens = 1;
    std::replace(r.prompt.begin(), r.prompt.end(), 509, 508);
    r.prompt[5] = r.prompt[20] = 509;
    r.prompt[6] = r.prompt[19] = r.prompt[23] = 509;  // so near behind a cut that they make none
    sequence::SequenceState state(*c);
    for (const auto& [from, to] : {std::pair{0, 5}, {5, 16}, {16, 20}, {20, 32}, {32, 37}}) {
        c->run({state.part(std::span(r.prompt).subspan(size_t(from), size_t(to - from)))}, {.prefill = true});
        state.advance(to - from);
    }
    spec::Generator generator(*c);
    std::vector<uint64_t> done;
    const spec::Generation& g = generator.add(r, [&](uint64_t at, uint64_t) { return done.push_back(at), true; });
    EXPECT_EQ(done, (std::vector<uint64_t>{5, 16, 20, 32, 37}));
    EXPECT_EQ(g.state.hash(), state.hash());
}

TEST_P(Runtime, EndsAndLimitsStopAtTheSameToken) {
    const auto c = context(options(StateForm::ring, 1, 9));
    const Text expected = plain(*c);
    Oracle oracle(expected.tokens);
    for (const size_t at : {0, 1, 5, 20}) {
        spec::Request r = request(8);
        r.ends = {expected.tokens[at]};
        size_t first = 0;
        while (expected.tokens[first] != r.ends[0]) ++first;
        spec::Generator generator(*c, &oracle);
        const spec::Generation& g = finished(generator, std::move(r));
        EXPECT_EQ(g.text,
                  std::vector<int32_t>(expected.tokens.begin(), expected.tokens.begin() + std::ptrdiff_t(first) + 1));
        EXPECT_EQ(g.stopped, spec::Stop::end_token);
        EXPECT_EQ(g.state.pos(), 37 + int64_t(first));
        expect_sound(g.counts);
        generator.drop(g);
    }
    for (const int64_t most : {1, 2, 7}) {
        spec::Request r = request(8);
        r.most_tokens = most;
        spec::Generator generator(*c, &oracle);
        const spec::Generation& g = finished(generator, std::move(r));
        EXPECT_EQ(int64_t(g.text.size()), most);
        EXPECT_EQ(g.stopped, spec::Stop::length);
    }
}

TEST_P(Runtime, AFullContextEndsTheText) {
    model::Options o = options(StateForm::ring, 1, 9);
    o.pools.context = 50;
    const auto c = context(o);
    const Text expected = plain(*c);
    ASSERT_EQ(expected.tokens.size(), 14u);  // the last one has no position left
    Oracle oracle(expected.tokens);
    spec::Generator generator(*c, &oracle);
    const spec::Generation& g = finished(generator, request(8));
    EXPECT_EQ(g.text, expected.tokens);
    EXPECT_EQ(g.stopped, spec::Stop::context_full);
}

TEST_P(Runtime, BadRequestsAreRefused) {
    const auto c = context(options(StateForm::ring, 1, 4));
    spec::MtpDrafter mtp(*c);
    spec::Generator generator(*c, &mtp);
    const auto refused = [&](auto change) {
        spec::Request r = request(3);
        change(r);
        EXPECT_THROW(generator.add(std::move(r)), Error);
    };
    refused([](spec::Request& r) { r.prompt.clear(); });
    refused([](spec::Request& r) { r.prompt.assign(513, 1); });
    refused([](spec::Request& r) { r.prompt[5] = 100000; });
    refused([](spec::Request& r) { r.most_tokens = 0; });
    refused([](spec::Request& r) { r.n_max = 4; });
    refused([](spec::Request& r) { r.n_min = 4; });
    refused([](spec::Request& r) { r.sampling.top_p = 0; });
    refused([](spec::Request& r) { r.sampling.temperature = -1; });
    refused([](spec::Request& r) { r.sampling.logit_bias = {{512, 1}}; });
    EXPECT_EQ(finished(generator, request(3)).text, plain(*context(options(StateForm::ring, 1, 4))).tokens);
}

INSTANTIATE_TEST_SUITE_P(Device, Runtime, testing::ValuesIn(device_ids()), device_name);

}  // namespace
}  // namespace rw::test
