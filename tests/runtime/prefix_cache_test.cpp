// A prompt that begins like one before runs its tail alone, and nobody can tell but by the clock.
#include "runtime/sample/random.h"
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

model::Options options(StateForm form, int64_t sequences = 1, int64_t chunk = 16, Type kv = Type::f16) {
    model::Options o;
    o.pools.form = form, o.pools.sequences = sequences, o.pools.most_exact = 4, o.pools.kv = kv, o.chunk = chunk;
    return o;
}

/// On each device, opened once: drivers on the CPU take seconds to make their kernels.
class CacheOn : public Runtime {
protected:
    std::unique_ptr<model::Context> context(model::Options o) {
        std::shared_ptr<core::Device>& device = devices_[GetParam()];
        if (!device) device = core::open(GetParam());
        o.pools.context = 256;
        return std::make_unique<model::Context>(random_model(), device, o);
    }
    bool slow() const { return GetParam() != "cpu:0"; }
    static void TearDownTestSuite() { devices_.clear(); }

private:
    static inline std::map<std::string, std::shared_ptr<core::Device>> devices_;
};

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
    const spec::Generation& g = generator.add({.prompt = prompt, .most_tokens = 5, .n_max = n_max, .message_start = message});
    while (generator.round()) {
    }
    if (cache) cache->audit();
    return {g.text, g.state.hash(), g.counts.cached};
}

/// What is done to a prompt of 100 tokens with messages at 0, 24, 40 and 64, cut at 16, 24, 32, 40, 48, 64, 80 and 96.
/// (Calls of few lengths: each is a plan, and drivers on the CPU take long to make one.)
struct Edit {
    const char* what;
    Tokens prompt;
    int64_t cached;
};
std::vector<Edit> edits() {
    const Tokens base = text(100, 1, {0, 24, 40, 64});
    const auto changed = [&](size_t at) {
        Tokens t = base;
        t[at] = (t[at] + 1) % 500;
        return t;
    };
    Tokens dropped = base, longer = base, whole(base.begin(), base.begin() + 48);
    dropped.erase(dropped.begin() + 24, dropped.begin() + 40);
    const Tokens more = text(40, 2, {0});
    longer.insert(longer.end(), more.begin(), more.end());
    return {{"the same again", base, 96},
            {"an edit in the middle", changed(50), 48},
            {"an edit of the last message", changed(66), 64},
            {"an edit of the last token", changed(99), 96},
            {"an edit at the beginning", changed(3), 0},
            {"a message dropped", dropped, 24},
            {"the beginning of another", Tokens(base.begin(), base.begin() + 70), 64},
            {"one that ends at a cut", whole, 40},
            {"one that goes on", longer, 96}};
}

void check_edits(model::Context& c, PieceStore::Where where, bool slow) {
    for (const int n_max : {3, 0}) {
        if (slow && n_max == 0 && c.options().pools.form != StateForm::ring) continue;
        PrefixCache cache(c, {.budget = plenty, .where = where});
        const std::vector<Edit> all = edits();
        EXPECT_EQ(answer(c, all[0].prompt, &cache, n_max).cached, 0);
        for (const Edit& edit : all) {
            if (slow && &edit != &all[1]) continue;
            const Answer found = answer(c, edit.prompt, &cache, n_max), expected = answer(c, edit.prompt);
            EXPECT_TRUE(found.same(expected)) << edit.what << ", n_max " << n_max;
            EXPECT_EQ(found.cached, edit.cached) << edit.what << ", n_max " << n_max;
        }
        EXPECT_EQ(cache.stats().failed + cache.stats().refused + cache.stats().evicted, 0u);
    }
}

TEST_P(CacheOn, EditsRunTheirTailAlone) {
    for (const StateForm form : forms)
        check_edits(*context(options(form)), form == StateForm::snapshots ? PieceStore::Where::host : PieceStore::Where::device,
                    slow());
    if (!slow()) check_edits(*context(options(StateForm::ring, 1, 16, Type::q8_0)), PieceStore::Where::host, false);
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

/// Prompts that share beginnings, with messages and ends at multiples of `step`.
class Prompts {
public:
    Prompts(uint64_t seed, uint64_t step) : seed_(seed), step_(step) {}
    uint64_t draw(uint64_t n) { return uint64_t(sample::uniform(seed_, 0, draws_++) * double(n)); }
    Tokens next() {
        Tokens tokens;
        if (!made_.empty() && draw(4) > 0) {
            tokens = made_[made_.size() - 1 - draw(std::min<uint64_t>(made_.size(), 4))];
            tokens.resize((tokens.size() - draw(tokens.size() / 2 + 1)) / step_ * step_);
            if (!tokens.empty() && draw(5) == 0) tokens[draw(tokens.size())] = int32_t(draw(500));
        }
        const size_t size = std::min<size_t>((tokens.size() + 1 + draw(60)) / step_ * step_ + step_, 144);
        while (tokens.size() < size)
            tokens.push_back(tokens.size() % step_ == 0 && draw(12 / step_ + 1) == 0 ? message : int32_t(draw(500)));
        made_.push_back(tokens);
        return tokens;
    }

private:
    uint64_t seed_, step_;
    int64_t draws_ = 0;
    std::vector<Tokens> made_;
};

/// What a cache with room for all would know of a prompt.
class Known {
public:
    explicit Known(int64_t chunk) : chunk_(chunk) {}
    int64_t of(const Tokens& tokens, bool mtp) {
        const auto cuts = sequence::prompt_cuts(tokens, chunk_, message);
        int64_t best = 0;
        for (const auto& [other, with] : before_) {
            if (mtp && !with) continue;
            const auto others = sequence::prompt_cuts(other, chunk_, message);
            for (size_t i = 0; i < std::min(cuts.size(), others.size()) && cuts[i] == others[i]; ++i) {
                const int64_t cut = cuts[i];
                const bool same = std::equal(tokens.begin(), tokens.begin() + cut, other.begin());
                const bool kept = cut < int64_t(other.size()) || cut % chunk_ == 0;
                if (same && kept && cut < int64_t(tokens.size())) best = std::max(best, cut);
            }
        }
        before_.emplace_back(tokens, mtp);
        return best;
    }

private:
    int64_t chunk_;
    std::vector<std::pair<Tokens, bool>> before_;
};

/// Random prompts, budgets and settings: always what there is without a cache, and never a byte too many.
void check_random(model::Context& c, uint64_t seed, int settings, int prompts, uint64_t step) {
    Prompts make(seed, step);
    PrefixCache probe(c, {.budget = plenty});
    seen(c, text(30, 1), &probe, true);
    const uint64_t one = probe.stats().bytes;  // about what an entry takes
    uint64_t reused = 0, evicted = 0;
    for (int i = 0; i < settings; ++i) {
        PrefixCache cache(c, {.budget = i == 0 ? plenty : one * (2 + make.draw(8)) + make.draw(one),
                              .where = make.draw(2) ? PieceStore::Where::device : PieceStore::Where::host,
                              .every = i == 2 ? 48 : 0,
                              .key_mask = i == 3 ? 7 : UINT64_MAX});
        Known known(c.options().chunk);
        for (int n = 0; n < prompts; ++n) {
            const Tokens tokens = make.next();
            const bool mtp = make.draw(4) > 0;
            const auto before = int64_t(cache.stats().tokens), most = known.of(tokens, mtp);
            ASSERT_EQ(seen(c, tokens, &cache, mtp), seen(c, tokens, nullptr, mtp)) << "setting " << i << " prompt " << n;
            ASSERT_NO_THROW(cache.audit());
            const int64_t found = int64_t(cache.stats().tokens) - before;
            if (i == 0) ASSERT_EQ(found, most) << "prompt " << n;
            else ASSERT_LE(found, most) << "prompt " << n;
        }
        reused += cache.stats().tokens, evicted += cache.stats().evicted;
        EXPECT_EQ(cache.stats().failed, 0u);
    }
    EXPECT_GT(reused, 0u);
    EXPECT_EQ(evicted > 0, settings > 1);
}

/// Drivers that run on the CPU are slow: fewer there.
TEST_P(CacheOn, RandomPrompts) {
    uint64_t seed = 0;
    for (const StateForm form : forms) {
        ++seed;
        if (!slow()) check_random(*context(options(form, 2, 24)), seed, 4, 20, 1);
        else if (form == StateForm::ring) check_random(*context(options(form, 2)), seed, 2, 5, 8);
    }
}

TEST_P(CacheOn, FourOfOnePromptRunItOnce) {
    const auto c = context(options(StateForm::ring, 4));
    const Tokens prompt = text(100, 1, {0, 24, 40, 64});
    const Answer expected = answer(*c, prompt);
    PrefixCache cache(*c, {.budget = plenty});
    spec::Generator generator(*c, nullptr, &cache);
    for (int i = 0; i < 4; ++i) generator.submit({.prompt = prompt, .most_tokens = 5, .message_start = message});
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

INSTANTIATE_TEST_SUITE_P(Device, CacheOn, testing::ValuesIn(device_ids()), device_name);

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
        c.run({state.part(std::span(tokens).first(16))}, {.prefill = true, .mtp = true});
        state.advance(16, true);
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
