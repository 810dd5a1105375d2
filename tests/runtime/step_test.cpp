// Sequences that come and go: each has the text that it has alone, and nobody waits for a long prompt.
#include "runtime/spec/generator.h"
#include "runtime/spec/mtp_drafter.h"
#include "runtime/spec/ngram_simple.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

model::Options options(int64_t sequences) {
    model::Options o;
    o.pools.sequences = sequences, o.pools.most_exact = 4, o.chunk = 16;
    return o;
}

spec::Request request(size_t prompt, int n_max, uint64_t seed) {
    spec::Request r{.prompt = some_tokens(prompt, seed), .most_tokens = 12, .n_max = n_max};
    if (seed % 2) r.sampling.temperature = 0.8, r.sampling.seed = seed;
    return r;
}

std::vector<int32_t> alone(model::Context& context, spec::Request r) {
    r.n_max = 0;
    spec::Generator generator(context);
    spec::Generation& g = generator.add(std::move(r));
    while (generator.round()) {
    }
    return g.text;
}

TEST_P(Runtime, ThoseThatComeAndGoHaveTheirOwnTexts) {
    const auto c = context(options(3));
    constexpr size_t lengths[] = {5, 61, 33, 16, 17, 90, 1, 48};
    std::vector<std::vector<int32_t>> expected;
    for (size_t i = 0; i < std::size(lengths); ++i) expected.push_back(alone(*c, request(lengths[i], 0, i)));

    spec::MtpDrafter mtp(*c);
    spec::Generator generator(*c, &mtp);
    size_t next = 0, done = 0;
    std::vector<std::pair<spec::Generation*, size_t>> running;
    for (int steps = 0; done < std::size(lengths) && steps < 1000; ++steps) {
        if (steps % 2 == 0 && running.size() < 3 && next < std::size(lengths)) {
            running.emplace_back(&generator.submit(request(lengths[next], int(next % 4), next)), next);
            ++next;
        }
        generator.step();
        std::erase_if(running, [&](const auto& r) {
            if (r.first->stopped == spec::Stop::none) return false;
            EXPECT_EQ(r.first->text, expected[r.second]) << "request " << r.second;
            generator.drop(*r.first);
            return ++done > 0;
        });
    }
    EXPECT_EQ(done, std::size(lengths));
    EXPECT_FALSE(generator.step());
}

TEST_P(Runtime, EachMayHaveADrafterOfItsOwn) {
    const auto c = context(options(4));
    spec::MtpDrafter mtp(*c);
    spec::NgramSimple ngram(2);
    spec::Generator generator(*c, &mtp);
    std::vector<spec::Generation*> all;
    for (const uint64_t seed : {2, 4, 6}) {
        spec::Request r = request(20, seed == 2 ? 0 : 3, seed);
        if (seed == 6) r.drafter = &ngram;
        all.push_back(&generator.submit(r));
    }
    while (generator.step()) {
    }
    EXPECT_TRUE(all[1]->needs_mtp());
    EXPECT_FALSE(all[2]->needs_mtp());
    EXPECT_GT(all[1]->counts.drafted, 0);
    for (const auto* g : all) EXPECT_EQ(g->text, alone(*c, g->request));
}

TEST_P(Runtime, ALongPromptHoldsUpNobody) {
    const auto c = context(options(3));
    spec::Generator generator(*c);
    const spec::Generation& first = generator.add(request(4, 0, 2));
    const spec::Generation& longest = generator.submit(request(90, 0, 4));  // six calls
    const spec::Generation& brief = generator.submit(request(10, 0, 6));    // one
    EXPECT_TRUE(longest.prompting() && brief.prompting());
    generator.step();
    EXPECT_EQ(first.text.size(), 2u);
    EXPECT_EQ(longest.state.pos(), 16);
    generator.step();
    EXPECT_EQ(longest.state.pos(), 16);
    EXPECT_EQ(brief.text.size(), 1u) << "its prompt's token; rounds are from the next step on";
    generator.step();
    EXPECT_EQ(longest.state.pos(), 32);
    EXPECT_EQ(first.text.size(), 4u);
    EXPECT_EQ(brief.text.size(), 2u);
}

TEST_P(Runtime, PromptsTakeTurnsAndEverybodyElseGoesOn) {
    const auto c = context(options(5));
    spec::MtpDrafter mtp(*c);
    spec::Generator generator(*c, &mtp);
    std::vector<spec::Generation*> going, waiting;
    for (const uint64_t seed : {2, 4}) {
        spec::Request r = request(20, seed == 2 ? 0 : 3, seed);
        r.most_tokens = 60;
        going.push_back(&generator.add(std::move(r)));
    }
    for (const uint64_t seed : {6, 8, 10}) waiting.push_back(&generator.submit(request(60, 3, seed)));
    for (size_t step = 0; step < 9; ++step) {
        const size_t had[] = {going[0]->text.size(), going[1]->text.size()};
        generator.step();
        for (size_t i = 0; i < waiting.size(); ++i)
            EXPECT_EQ(waiting[i]->state.pos(), 16 * int64_t(step / 3 + (i <= step % 3))) << "step " << step;
        for (size_t i = 0; i < going.size(); ++i) EXPECT_GT(going[i]->text.size(), had[i]) << "step " << step;
    }
    while (generator.step()) {
    }
    const auto fresh = context(options(1));
    for (const auto& g : generator.all()) EXPECT_EQ(g.text, alone(*fresh, g.request));
}

/// In every mode, with drafts that come and go, and where prompts and rounds are calls of their own too.
TEST_P(Runtime, ARoundBesideAPromptSaysWhatItSaysAlone) {
    for (const auto form : {model::StateForm::ring, model::StateForm::snapshots, model::StateForm::checkpoint})
        for (const bool joint : {true, false}) {
            SCOPED_TRACE(int(form) * 2 + joint);
            model::Options o = options(3);
            o.pools.form = form, o.joint = joint;
            const auto c = context(o);
            spec::MtpDrafter mtp(*c);
            spec::NgramSimple ngram(1);
            spec::Generator generator(*c, &mtp);
            std::vector<spec::Generation*> all;
            size_t plans = 0;
            for (int time = 0; time < 2; ++time) {
                plans = c->plans();
                for (const spec::Generation* g : all) generator.drop(*g);
                all.clear();
                for (const uint64_t seed : {1, 2, 3}) {
                    spec::Request r = request(10 + 20 * seed, 3, seed);
                    if (seed == 2) r.drafter = &ngram;
                    all.push_back(&generator.submit(std::move(r)));
                }
                while (generator.step()) {
                }
            }
            EXPECT_EQ(c->plans() > plans, joint) << "the second time those that met are one plan";
            for (const spec::Generation* g : all) {
                spec::Request r = g->request;
                r.n_max = 0;
                const auto fresh = context(o);
                spec::Generator one(*fresh);
                const spec::Generation& expected = one.add(std::move(r));
                while (one.round()) {
                }
                EXPECT_EQ(g->text, expected.text);
                EXPECT_EQ(g->state.hash(), expected.state.hash());
                EXPECT_EQ(g->counts.emitted, g->counts.accepted + g->counts.rounds);
            }
        }
}

/// Most of that time is the prompt's: no round costs that much.
TEST_P(Runtime, RoundsBesideAPromptTeachNoCosts) {
    const auto c = context(options(2));
    spec::MtpDrafter mtp(*c);
    spec::Generator generator(*c, &mtp);
    spec::Request r = request(4, spec::n_auto, 2);
    r.most_tokens = 40;
    const spec::Generation& going = generator.add(std::move(r));
    const spec::Generation& longest = generator.submit(request(64, 0, 4));
    while (longest.prompting()) generator.step();
    EXPECT_GE(going.counts.rounds, 4);
    EXPECT_GT(going.counts.drafted, 0) << "what it would try first is a plain round, which teaches nothing here";
    EXPECT_EQ(generator.costs().rest(1, 0), 0);
    EXPECT_EQ(generator.costs().rate(1), 0);
    EXPECT_FALSE(generator.costs().draftings().empty());
    generator.cancel(generator.all().back());
    generator.step();
    EXPECT_GT(generator.costs().rest(1, 0), 0);
    EXPECT_GT(generator.costs().rate(1), 0);
}

TEST_P(Runtime, ACancelledSequenceLeavesTheOthers) {
    const auto c = context(options(2));
    const std::vector<int32_t> expected = alone(*c, request(20, 0, 2));
    spec::MtpDrafter mtp(*c);
    spec::Generator generator(*c, &mtp);
    const spec::Generation& stays = generator.submit(request(20, 3, 2));
    spec::Generation& in_prompt = generator.submit(request(60, 3, 4));
    generator.step(), generator.step();
    generator.cancel(in_prompt);
    EXPECT_EQ(in_prompt.stopped, spec::Stop::cancelled);
    generator.drop(in_prompt);
    spec::Generation& in_text = generator.submit(request(3, 3, 6));
    for (int i = 0; i < 3; ++i) generator.step();
    generator.cancel(in_text);
    const size_t had = in_text.text.size();
    while (generator.step()) {
    }
    EXPECT_EQ(in_text.text.size(), had);
    EXPECT_EQ(stays.text, expected);
}

TEST_P(Runtime, MoreRequestsThanRowsAreRefused) {
    const auto c = context(options(1));
    spec::Generator generator(*c);
    generator.submit(request(4, 0, 2));
    EXPECT_THROW(generator.submit(request(4, 0, 4)), Error);
    EXPECT_EQ(generator.all().size(), 1u);
}

}  // namespace
}  // namespace rw::test
