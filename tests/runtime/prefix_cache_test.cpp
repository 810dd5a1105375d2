// A prompt that begins like one before runs its tail alone, and nobody can tell but by the clock.
#include "runtime/sequence/prompt_cuts.h"
#include "runtime/spec/generator.h"
#include "runtime/spec/mtp_drafter.h"
#include "tests/runtime/failing_device.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

using model::StateForm;
using sequence::PieceStore;
using sequence::PrefixCache;
using sequence::SequenceState;
using Tokens = std::vector<int32_t>;

constexpr int32_t message = 509;  // begins one
constexpr StateForm forms[] = {StateForm::ring, StateForm::snapshots, StateForm::checkpoint};
constexpr uint64_t plenty = 64 << 20;

model::Options options(StateForm form, int64_t sequences = 1, int64_t chunk = 24, Type kv = Type::f16) {
    model::Options o;
    o.pools.form = form, o.pools.sequences = sequences, o.pools.most_exact = 4, o.pools.kv = kv, o.chunk = chunk;
    return o;
}

/// Tokens with messages that begin at these places.
Tokens text(size_t n, uint64_t seed, std::initializer_list<size_t> messages = {}) {
    Tokens tokens = some_tokens(n, seed);
    std::replace(tokens.begin(), tokens.end(), message, 3);
    for (const size_t at : messages) tokens[at] = message;
    return tokens;
}

struct Answer {
    Tokens text;
    uint64_t hash = 0;
    int64_t cached = 0;
    bool same(const Answer& other) const { return text == other.text && hash == other.hash; }
};

Answer answer(model::Context& c, const Tokens& prompt, PrefixCache* cache = nullptr, int n_max = 0) {
    spec::MtpDrafter mtp(c);
    spec::Generator generator(c, n_max ? &mtp : nullptr, cache);
    const spec::Generation& g = generator.add({.prompt = prompt, .most_tokens = 6, .n_max = n_max, .message_start = message});
    while (generator.round()) {
    }
    if (cache) cache->audit();
    return {g.text, g.state.hash(), g.counts.cached};
}

/// What is done to a prompt of 100 tokens with messages at 0, 30, 61 and 80, cut at 24, 30, 48, 61, 72, 80 and 96.
struct Edit {
    const char* what;
    Tokens prompt;
    int64_t cached;
};
std::vector<Edit> edits() {
    const Tokens base = text(100, 1, {0, 30, 61, 80});
    const auto changed = [&](size_t at) {
        Tokens t = base;
        t[at] = (t[at] + 1) % 500;
        return t;
    };
    Tokens dropped = base, longer = base, whole(base.begin(), base.begin() + 48);
    dropped.erase(dropped.begin() + 30, dropped.begin() + 61);
    const Tokens more = text(40, 2, {0});
    longer.insert(longer.end(), more.begin(), more.end());
    return {{"the same again", base, 96},
            {"an edit in the middle", changed(50), 48},
            {"an edit of the last message", changed(85), 80},
            {"an edit of the last token", changed(99), 96},
            {"an edit at the beginning", changed(3), 0},
            {"a message dropped", dropped, 30},
            {"the beginning of another", Tokens(base.begin(), base.begin() + 70), 61},
            {"one that ends at a cut", whole, 30},
            {"one that goes on", longer, 96}};
}

void check_edits(model::Context& c, PieceStore::Where where) {
    for (const int n_max : {0, 3}) {
        for (const Edit& edit : edits()) {
            PrefixCache cache(c, {.budget = plenty, .where = where});
            const Answer first = answer(c, edits()[0].prompt, &cache, n_max);
            EXPECT_EQ(first.cached, 0);
            const Answer found = answer(c, edit.prompt, &cache, n_max), expected = answer(c, edit.prompt);
            EXPECT_TRUE(found.same(expected)) << edit.what << ", n_max " << n_max;
            EXPECT_EQ(found.cached, edit.cached) << edit.what << ", n_max " << n_max;
            EXPECT_EQ(cache.stats().tokens, uint64_t(edit.cached)) << edit.what;
            EXPECT_EQ(cache.stats().failed + cache.stats().refused + cache.stats().evicted, 0u);
        }
    }
}

TEST_P(Runtime, EditsRunTheirTailAloneRing) {
    check_edits(*context(options(StateForm::ring)), PieceStore::Where::host);
    check_edits(*context(options(StateForm::ring, 1, 24, Type::q8_0)), PieceStore::Where::device);
}
TEST_P(Runtime, EditsRunTheirTailAloneSnapshots) {
    check_edits(*context(options(StateForm::snapshots)), PieceStore::Where::device);
}
TEST_P(Runtime, EditsRunTheirTailAloneCheckpoint) {
    check_edits(*context(options(StateForm::checkpoint)), PieceStore::Where::host);
}

/// Runs a prompt cut by cut; with a cache from what it knows. The logits behind its last token.
std::vector<float> run_prompt(SequenceState& state, const Tokens& tokens, PrefixCache* cache, bool mtp) {
    model::Context& c = state.context();
    const auto cuts = sequence::prompt_cuts(tokens, c.options().chunk, message);
    const PrefixCache::Prompt prompt{tokens, cuts};
    if (cache) cache->restore(state, prompt, mtp);
    while (state.pos() < int64_t(tokens.size())) {
        const int64_t at = state.pos(), end = *std::upper_bound(cuts.begin(), cuts.end(), at);
        model::Wanted wanted{.prefill = true, .mtp = mtp};
        if (end == int64_t(tokens.size())) wanted.rows = {int32_t(end - at) - 1};
        c.run({state.part(std::span(tokens).subspan(size_t(at), size_t(end - at)))}, wanted);
        state.advance(end - at, mtp);
        if (cache && (end % c.options().chunk == 0 || end < int64_t(tokens.size()))) cache->offer(state, prompt);
    }
    return c.logits(0);
}

/// What can be told of a state from outside.
struct Seen {
    std::vector<float> logits;
    uint64_t hash;
    std::vector<int32_t> drafts;
    bool operator==(const Seen&) const = default;
};
Seen seen(model::Context& c, const Tokens& tokens, PrefixCache* cache, bool mtp) {
    SequenceState state(c);
    Seen s{run_prompt(state, tokens, cache, mtp), state.hash(), {}};
    if (!mtp) return s;
    EXPECT_TRUE(state.mtp_ready());
    const Tokens next{7};
    for (const auto& step : c.draft({state.part(next)}, {3})) s.drafts.push_back(step[0].token);
    return s;
}

/// Prompts that share beginnings, with cuts anywhere.
class Prompts {
public:
    explicit Prompts(uint64_t seed) : seed_(seed) {}
    uint64_t draw(uint64_t n) { return uint64_t(spec::uniform(seed_, 0, draws_++) * double(n)); }
    Tokens next() {
        Tokens tokens;
        if (!made_.empty() && draw(4) > 0) {
            tokens = made_[made_.size() - 1 - draw(std::min<uint64_t>(made_.size(), 4))];
            tokens.resize(tokens.size() - draw(tokens.size() / 2 + 1));
            if (!tokens.empty() && draw(5) == 0) tokens[draw(tokens.size())] = int32_t(draw(500));
        }
        for (uint64_t n = 1 + draw(60); n > 0; --n) tokens.push_back(draw(12) == 0 ? message : int32_t(draw(500)));
        tokens.resize(std::min<size_t>(tokens.size(), 150));
        made_.push_back(tokens);
        return tokens;
    }

private:
    uint64_t seed_;
    int64_t draws_ = 0;
    std::vector<Tokens> made_;
};

/// Random prompts, budgets and settings: always what there is without a cache, and never a byte too many.
void check_random(model::Context& c, uint64_t seed, int prompts) {
    Prompts make(seed);
    uint64_t one = 0;  // about what an entry takes
    {
        PrefixCache cache(c, {.budget = plenty});
        seen(c, text(30, 1), &cache, true);
        one = cache.stats().bytes;
        ASSERT_EQ(cache.stats().entries, 1u);
    }
    uint64_t reused = 0, evicted = 0;
    for (int i = 0; i < 4; ++i) {
        PrefixCache cache(c, {.budget = i == 0 ? plenty : one * (1 + make.draw(12)) + make.draw(one),
                              .where = make.draw(2) ? PieceStore::Where::device : PieceStore::Where::host,
                              .every = i == 2 ? 48 : 0,
                              .key_mask = i == 3 ? 7 : UINT64_MAX});
        for (int n = 0; n < prompts; ++n) {
            const Tokens tokens = make.next();
            const bool mtp = make.draw(3) > 0;
            ASSERT_EQ(seen(c, tokens, &cache, mtp), seen(c, tokens, nullptr, mtp)) << "setting " << i << " prompt " << n;
            ASSERT_NO_THROW(cache.audit());
        }
        reused += cache.stats().tokens, evicted += cache.stats().evicted;
        EXPECT_EQ(cache.stats().failed, 0u);
    }
    EXPECT_GT(reused, 500u);
    EXPECT_GT(evicted, 0u);
}

TEST_P(Runtime, RandomPromptsRing) { check_random(*context(options(StateForm::ring, 2)), 1, 14); }
TEST_P(Runtime, RandomPromptsSnapshots) { check_random(*context(options(StateForm::snapshots, 2)), 2, 14); }
TEST_P(Runtime, RandomPromptsCheckpoint) { check_random(*context(options(StateForm::checkpoint, 2)), 3, 14); }

TEST_P(Runtime, FourOfOnePromptRunItOnce) {
    const auto c = context(options(StateForm::ring, 4));
    const Tokens prompt = text(100, 1, {0, 30, 61, 80});
    const Answer expected = answer(*c, prompt);
    PrefixCache cache(*c, {.budget = plenty});
    spec::Generator generator(*c, nullptr, &cache);
    for (int i = 0; i < 4; ++i) generator.submit({.prompt = prompt, .most_tokens = 6, .message_start = message});
    int calls = 0;
    while (generator.step()) calls += generator.all().back().prompting();
    int64_t cached = 0;
    for (const spec::Generation& g : generator.all()) {
        EXPECT_EQ(g.text, expected.text);
        EXPECT_EQ(g.state.hash(), expected.hash);
        cached += g.counts.cached;
    }
    EXPECT_EQ(cached, 3 * 96);  // each goes on from what the one before it has just run
    EXPECT_LT(calls, 16);
}

INSTANTIATE_TEST_SUITE_P(Device, Runtime, testing::ValuesIn(device_ids()), device_name);

class PrefixCacheTest : public testing::Test {
protected:
    std::unique_ptr<model::Context> c_ = std::make_unique<model::Context>(random_model(), core::open("cpu"), small());
    static model::Options small() {
        model::Options o = options(StateForm::ring, 2, 32);  // whole blocks, so that entries are of a size
        o.pools.context = 512;
        return o;
    }
    /// What prompts take in a cache with room for all.
    PrefixCache::Stats taken(std::initializer_list<Tokens> prompts, bool mtp = false) {
        PrefixCache cache(*c_, {.budget = plenty});
        for (const Tokens& tokens : prompts) seen(*c_, tokens, &cache, mtp);
        return cache.stats();
    }
};

TEST_F(PrefixCacheTest, RowsAreHeldOnce) {
    const Tokens base = text(97, 1), other = [&] {
        Tokens t = base;
        t[80] = 1;
        return t;
    }();
    const auto one = taken({base}), two = taken({base, other}), first = taken({text(33, 1)});
    EXPECT_EQ(first.entries, 1u);
    EXPECT_EQ(one.entries, 3u);
    EXPECT_EQ(two.entries, 4u);
    EXPECT_EQ(one.bytes, 3 * first.bytes);
    EXPECT_EQ(two.bytes, 4 * first.bytes);
    EXPECT_GT(taken({base}, true).bytes, one.bytes);
}

TEST_F(PrefixCacheTest, WhatWasUsedLongestAgoMakesRoom) {
    const Tokens a = text(97, 1), b = text(97, 2);
    const uint64_t entry = taken({text(33, 1)}).bytes;
    PrefixCache cache(*c_, {.budget = 7 * entry});
    const auto run = [&](const Tokens& tokens) {  // how many were known
        const uint64_t before = cache.stats().tokens;
        seen(*c_, tokens, &cache, false);
        cache.audit();
        return cache.stats().tokens - before;
    };
    const auto beginning = [](const Tokens& tokens, size_t n) { return Tokens(tokens.begin(), tokens.begin() + n); };
    run(a), run(b), run(text(33, 3));
    EXPECT_EQ(cache.stats().states, 7u);
    EXPECT_EQ(run(a), 96u);
    EXPECT_EQ(cache.stats().evicted, 0u);
    run(text(33, 4));  // in the place of the first two states of a, whose rows stay under the third
    EXPECT_EQ(cache.stats().evicted, 2u);
    EXPECT_EQ(cache.stats().entries, 8u);
    EXPECT_EQ(cache.stats().states, 6u);
    EXPECT_EQ(run(beginning(a, 80)), 0u);   // which brings them back, in the place of b's
    EXPECT_EQ(run(a), 96u);
    EXPECT_EQ(run(beginning(a, 65)), 64u);
    EXPECT_LT(cache.stats().states, cache.stats().entries);
    EXPECT_EQ(run(b), 96u);
    cache.clear(), cache.audit();
    EXPECT_EQ(cache.stats().bytes + cache.stats().entries + cache.stats().states, 0u);
    EXPECT_EQ(run(a), 0u);
}

TEST_F(PrefixCacheTest, ABudgetThatIsTooSmallKeepsNothing) {
    const Tokens tokens = text(90, 1);
    const uint64_t entry = taken({text(33, 1)}).bytes;
    const Seen expected = seen(*c_, tokens, nullptr, false);
    for (const uint64_t budget : {uint64_t(0), uint64_t(1), entry - 1}) {
        PrefixCache cache(*c_, {.budget = budget});
        for (int i = 0; i < 2; ++i) EXPECT_EQ(seen(*c_, tokens, &cache, false), expected);
        EXPECT_EQ(cache.stats().bytes, 0u);
        EXPECT_EQ(cache.stats().hits, 0u);
        EXPECT_EQ(cache.stats().refused > 0, budget > 0);
        cache.audit();
    }
    PrefixCache cache(*c_, {.budget = entry});
    seen(*c_, tokens, &cache, false);
    EXPECT_EQ(cache.stats().bytes, entry);
    EXPECT_EQ(cache.stats().evicted, 0u);  // what could not fit anyway takes nobody's place
    EXPECT_EQ(seen(*c_, tokens, &cache, false), expected);
    EXPECT_EQ(cache.stats().tokens, 32u);
}

TEST_F(PrefixCacheTest, TheMtpBlockTakesNothingThatItDoesNotKnow) {
    const Tokens tokens = text(80, 1);
    PrefixCache cache(*c_, {.budget = plenty});
    seen(*c_, tokens, &cache, false);
    const uint64_t plain = cache.stats().bytes;
    const Seen expected = seen(*c_, tokens, nullptr, true);
    EXPECT_EQ(seen(*c_, tokens, &cache, true), expected);
    EXPECT_EQ(cache.stats().hits, 0u);
    EXPECT_GT(cache.stats().bytes, plain);  // its rows have come to the same entries
    EXPECT_EQ(cache.stats().entries, 2u);
    cache.audit();
    EXPECT_EQ(seen(*c_, tokens, &cache, true), expected);
    EXPECT_EQ(cache.stats().tokens, 64u);
    seen(*c_, tokens, &cache, false);
    EXPECT_EQ(cache.stats().tokens, 128u);
}

TEST_F(PrefixCacheTest, OtherCutsAreAnotherPrefix) {
    const Tokens tokens = text(80, 1);
    PrefixCache cache(*c_, {.budget = plenty});
    seen(*c_, tokens, &cache, false);
    SequenceState state(*c_);
    const std::vector<int64_t> cuts{12, 64, 80};
    EXPECT_FALSE(cache.restore(state, {tokens, cuts}, false));
    const std::vector<int64_t> begins_alike{32, 40, 80};
    EXPECT_TRUE(cache.restore(state, {tokens, begins_alike}, false));
    EXPECT_EQ(state.pos(), 32);
    const std::vector<int64_t> unsorted{32, 12, 80};
    EXPECT_THROW(cache.restore(state, {tokens, unsorted}, false), Error);
    EXPECT_THROW(cache.offer(state, {tokens, cuts}), Error);  // it is not at a cut of those
}

TEST(PrefixCacheFailures, ACopyThatFailsChangesNothing) {
    for (const auto where : {PieceStore::Where::host, PieceStore::Where::device}) {
        const auto device = std::make_shared<FailingDevice>();
        model::Options o = options(StateForm::ring, 2);
        o.pools.context = 128;
        model::Context c(random_model(), device, o);
        const Tokens tokens = text(60, 1);
        const auto cuts = sequence::prompt_cuts(tokens, o.chunk, message);
        const PrefixCache::Prompt prompt{tokens, cuts};
        const Seen expected = seen(c, tokens, nullptr, true);
        PrefixCache cache(c, {.budget = plenty, .where = where});
        SequenceState state(c);
        c.run({state.part(std::span(tokens).first(24))}, {.prefill = true, .mtp = true});
        state.advance(24, true);
        const uint64_t hash = state.hash();
        int failures = 0;
        for (device->good = 0; !cache.offer(state, prompt); device->good = ++failures) {
            EXPECT_EQ(cache.stats().bytes, 0u);
            EXPECT_NO_THROW(cache.audit());
            ASSERT_LT(failures, 1000);
        }
        EXPECT_GT(failures, 10);
        device->good = -1;
        EXPECT_EQ(cache.stats().failed, uint64_t(failures));
        EXPECT_EQ(state.hash(), hash);
        const uint64_t bytes = cache.stats().bytes;
        // What the device does on its way back to an empty state may fail as well: then that is thrown.
        int restores = 0, thrown = 0;
        for (int good = 0;; ++good) {
            SequenceState other(c);
            device->good = good;
            bool done = false;
            try {
                done = cache.restore(other, prompt, true);
            } catch (const Error&) {
                ++thrown;
            }
            device->good = -1;
            EXPECT_EQ(cache.stats().bytes, bytes);
            EXPECT_NO_THROW(cache.audit());
            if (done) {
                EXPECT_EQ(other.hash(), hash);
                break;
            }
            other.reset();
            EXPECT_EQ(other.pos(), 0);
            ASSERT_LT(++restores, 1000);
        }
        EXPECT_GT(restores, 10);
        state = SequenceState(c);
        EXPECT_EQ(seen(c, tokens, &cache, true), expected);
        EXPECT_EQ(cache.stats().hits, 2u);
    }
}

}  // namespace
}  // namespace rw::test
