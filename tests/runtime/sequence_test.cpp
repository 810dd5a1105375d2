// What a sequence's state promises: the same bits for every way of grouping tokens into calls, of going back and of
// sharing a call with others; and a refusal wherever it could not keep that.
#include <sys/resource.h>
#include <csignal>
#include <fstream>

#include "runtime/sequence/save.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

using model::StateForm;
using sequence::SequenceState;
using Rows = std::vector<std::vector<float>>;

model::Options options(StateForm form = StateForm::ring, int64_t sequences = 1, int64_t most_exact = 4,
                       Type kv = Type::f16) {
    model::Options o;
    o.pools.form = form, o.pools.sequences = sequences, o.pools.most_exact = most_exact, o.pools.kv = kv;
    return o;
}

/// Logits of every token, one call a token: what everything else is compared with.
Rows serial(model::Context& context, std::span<const int32_t> tokens) {
    SequenceState state(context);
    Rows rows;
    for (size_t i = 0; i < tokens.size(); ++i) rows.push_back(run_exact(state, tokens.subspan(i, 1)).front());
    return rows;
}

void check_grouping(model::Context& c) {
    const auto tokens = some_tokens(40, 1);
    const Rows expected = serial(c, tokens);
    for (const std::vector<size_t>& sizes :
         {std::vector<size_t>{16, 16, 8}, {1, 2, 3, 4, 5, 6, 7, 8, 4}, {15, 1, 16, 8}}) {
        SequenceState state(c);
        size_t at = 0;
        for (const size_t n : sizes) {
            const Rows rows = run_exact(state, std::span(tokens).subspan(at, n));
            for (size_t i = 0; i < n; ++i) ASSERT_EQ(rows[i], expected[at + i]) << "token " << at + i;
            at += n;
        }
    }
}

TEST_P(Runtime, AnyGroupingGivesTheSameBits) {
    for (const Type kv : {Type::f16, Type::q8_0}) check_grouping(*context(options(StateForm::ring, 1, 16, kv)));
}

/// Rounding to q8_0 adds (amax / 127)^2 / 12 to the mean square: with amax near 2.5 deviations 3e-5 of that of keys and
/// of values.
TEST_P(Runtime, AQuantisedCacheIsSmallAndClose) {
    const auto tokens = some_tokens(40, 1);
    const auto exact = context(options(StateForm::ring, 1, 4, Type::f32));
    const auto blocks = context(options(StateForm::ring, 1, 4, Type::q8_0));
    for (const char* purpose : {"kv cache", "mtp kv cache"})
        EXPECT_EQ(blocks->ledger().at(purpose) * 128, exact->ledger().at(purpose) * 34) << purpose;
    const Rows expected = serial(*exact, tokens), found = serial(*blocks, tokens);
    double worst = 0;
    for (size_t i = 0; i < tokens.size(); ++i) worst = std::max(worst, nmse(found[i], expected[i]));
    EXPECT_LE(worst, 1e-4);
    EXPECT_GT(worst, 1e-9);  // it is another cache
    std::printf("%s q8_0 KV cache against f32: NMSE %.2g\n", GetParam().c_str(), worst);
}

TEST_P(Runtime, HeadsThatAreNoWholeBlocksTakeNoQuantisedCache) {
    gguf::Recipe recipe;
    recipe.head_dim = 16;
    try {
        context(options(StateForm::ring, 1, 4, Type::q8_0), recipe, "heads-of-16");
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::unsupported);
        EXPECT_NE(std::string(e.what()).find("take an f16 KV cache"), std::string::npos) << e.what();
    }
}

TEST_P(Runtime, RowsDoNotDependOnOthersInTheCall) {
    const auto c = context(options(StateForm::ring, 3, 4));
    const auto a = some_tokens(12, 1), b = some_tokens(12, 2), d = some_tokens(12, 3);
    const Rows expected = serial(*c, a);
    SequenceState sa(*c), sb(*c), sd(*c);
    size_t at = 0;
    for (const size_t n : {3, 1, 4, 4}) {
        const size_t m = 5 - n;  // the others' lengths differ
        model::Wanted wanted;
        for (size_t i = 0; i < n; ++i) wanted.rows.push_back(int32_t(m + i));
        c->run({sb.part(std::span(b).subspan(0, m)), sa.part(std::span(a).subspan(at, n)),
                sd.part(std::span(d).subspan(0, m))},
               wanted);
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(c->logits(i), expected[at + i]) << "token " << at + i;
        sa.advance(int64_t(n)), sb.advance(int64_t(m)), sd.advance(int64_t(m));
        at += n;
    }
}

TEST_P(Runtime, PrefillAgreesWithDecoding) {
    model::Options o = options();
    o.logit_rows = 64;
    const auto c = context(o);
    const auto tokens = some_tokens(50, 4);
    const Rows expected = serial(*c, tokens);
    SequenceState state(*c);
    model::Wanted wanted{.prefill = true};
    for (int i = 0; i < 50; ++i) wanted.rows.push_back(i);
    c->run({state.part(tokens)}, wanted);
    for (size_t i = 0; i < 50; ++i) {
        EXPECT_LE(nmse(c->logits(i), expected[i]), 1e-9) << "token " << i;
    }
}

/// Goes on from `state` with the tokens behind its position and compares with what is right there.
void expect_right(SequenceState& state, const std::vector<int32_t>& tokens, const Rows& expected, const char* what) {
    const auto at = size_t(state.pos());
    ASSERT_EQ(run_exact(state, std::span(tokens).subspan(at, 1)).front(), expected[at]) << what;
}

/// The cases in which engines that keep snapshots without their positions return a wrong state and say yes.
void check_table(StateForm form, model::Context& c) {
    const auto tokens = some_tokens(20, 5);
    const Rows expected = serial(c, tokens);
    const auto run = [&](SequenceState& s, size_t n) { run_exact(s, std::span(tokens).subspan(size_t(s.pos()), n)); };
    const auto back = [&](SequenceState& s, int64_t pos, const char* what) {
        if (s.refusal(pos).empty()) {
            s.rollback(pos);
            expect_right(s, tokens, expected, what);
            return true;
        }
        const int64_t before = s.pos();
        EXPECT_THROW(s.rollback(pos), Error) << what;
        EXPECT_EQ(s.pos(), before) << what;
        expect_right(s, tokens, expected, what);
        return false;
    };
    const bool ring = form == StateForm::ring, before_call = form != StateForm::snapshots;
    {
        SequenceState s(c);
        run(s, 4);
        EXPECT_TRUE(back(s, 2, "a batch of four, two back"));
    }
    {
        SequenceState s(c);
        run(s, 4), run(s, 1), run(s, 1);
        EXPECT_EQ(back(s, 5, "a batch of four, two single tokens, one back"), ring);
    }
    {
        SequenceState s(c);
        run(s, 4), run(s, 2);
        EXPECT_EQ(back(s, 4, "a batch of four, one of two, two back"), before_call);
    }
    {
        SequenceState s(c);
        run(s, 4);
        s.rollback(3);
        EXPECT_TRUE(back(s, 2, "a batch of four, one back twice"));
    }
    {
        SequenceState s(c);
        run(s, 4);
        EXPECT_EQ(back(s, 0, "a whole batch undone"), before_call);
        EXPECT_FALSE(s.refusal(9).empty());  // what was never reached
    }
}

TEST_P(Runtime, TableOfWrongAnswersRing) { check_table(StateForm::ring, *context(options(StateForm::ring))); }
TEST_P(Runtime, TableOfWrongAnswersSnapshots) {
    check_table(StateForm::snapshots, *context(options(StateForm::snapshots)));
}

TEST_P(Runtime, TableOfWrongAnswersCheckpoint) {
    check_table(StateForm::checkpoint, *context(options(StateForm::checkpoint)));
}

/// Rounds of n + 1 tokens of which some are taken back, against serial decoding, bit for bit.
void check_chain(model::Context& c, int rounds, int64_t most) {
    const auto tokens = some_tokens(400, 6), wrong = some_tokens(400, 7);
    const Rows expected = serial(c, std::span(tokens).subspan(0, 400));
    SequenceState state(c), plain(c);
    uint32_t draw = 1;
    const auto next = [&](uint32_t n) {
        draw = draw * 1664525 + 1013904223;
        return (draw >> 8) % n;
    };
    for (int round = 0; round < rounds && state.pos() + most < 400; ++round) {
        const int64_t at = state.pos(), n = 1 + next(uint32_t(most)), good = 1 + next(uint32_t(n));
        std::vector<int32_t> part(tokens.begin() + at, tokens.begin() + at + good);
        part.insert(part.end(), wrong.begin() + at + good, wrong.begin() + at + n);
        const Rows rows = run_exact(state, part);
        for (int64_t i = 0; i < good; ++i)
            ASSERT_EQ(rows[size_t(i)], expected[size_t(at + i)]) << "round " << round << " token " << at + i;
        state.rollback(at + good);
        if (round % 7 == 0) state.rollback(std::max(state.lowest(), state.pos() - int64_t(next(3))));
    }
    for (int64_t i = 0; i < state.pos(); ++i) run_exact(plain, std::span(tokens).subspan(size_t(i), 1));
    EXPECT_EQ(state.hash(), plain.hash());
    EXPECT_GT(state.pos(), 100);
}

TEST_P(Runtime, ChainOfRoundsRing) { check_chain(*context(options(StateForm::ring, 2, 4)), 200, 4); }
TEST_P(Runtime, ChainOfRoundsSnapshots) { check_chain(*context(options(StateForm::snapshots, 2, 4)), 200, 4); }
TEST_P(Runtime, ChainOfRoundsCheckpoint) { check_chain(*context(options(StateForm::checkpoint, 2, 4)), 200, 4); }
TEST_P(Runtime, ChainOfRoundsOverBlocks) { check_chain(*context(options(StateForm::ring, 2, 4, Type::q8_0)), 200, 4); }
TEST_P(Runtime, ChainOfLongRounds) { check_chain(*context(options(StateForm::ring, 2, 20)), 40, 20); }

TEST_P(Runtime, CheckpointsComputeAgainWhatWasTaken) {
    const auto c = context(options(StateForm::checkpoint, 2, 8));
    const auto tokens = some_tokens(20, 16);
    const Rows expected = serial(*c, tokens);
    SequenceState state(*c);
    run_exact(state, std::span(tokens).subspan(0, 7));
    EXPECT_EQ(state.rollback(7), 0);
    EXPECT_EQ(state.rollback(5), 5);
    EXPECT_EQ(state.rollback(3), 3);  // once more from the same copy
    expect_right(state, tokens, expected, "three of seven");
    state.reset();
    run_exact(state, std::span(tokens).subspan(0, 7));
    EXPECT_EQ(state.rollback(0), 0);  // the copy itself
    expect_right(state, tokens, expected, "none of seven");
    run_exact(state, std::span(tokens).subspan(1, 6));
    c->run({state.part(std::span(tokens).subspan(7, 6))}, {.prefill = true});
    state.advance(6);
    EXPECT_EQ(state.lowest(), 13);  // nothing is kept before prompts
    const auto one = context(options(StateForm::snapshots, 2, 1));
    EXPECT_EQ(c->ledger().at("recurrent state"), 2 * one->ledger().at("recurrent state"));
}

TEST_P(Runtime, CheckpointsKeepNothingOfPositionsOfTheCallersOwn) {
    const auto c = context(options(StateForm::checkpoint, 1, 8));
    const auto tokens = some_tokens(4, 17);
    const std::vector<int32_t> rope{9, 9, 9, 9, 0, 0, 1, 1, 0, 1, 0, 1};
    SequenceState state(*c);
    model::Part part = state.part(tokens);
    part.rope = rope;
    c->run({part}, {.rows = {3}});
    state.advance(4);
    EXPECT_EQ(state.lowest(), 4);
    EXPECT_THROW(state.rollback(2), Error);
    EXPECT_THROW(c->checkpoints().restore(0), Error);
}

TEST_P(Runtime, RollbackStopsWhereTheRingEnds) {
    const auto c = context(options(StateForm::ring, 1, 4));  // two bases of 16 positions
    const auto tokens = some_tokens(64, 8);
    const Rows expected = serial(*c, tokens);
    SequenceState state(*c);
    for (size_t at = 0; at < 40; at += 4) run_exact(state, std::span(tokens).subspan(at, 4));
    EXPECT_EQ(state.lowest(), 16);
    EXPECT_FALSE(state.refusal(15).empty());
    state.rollback(16);
    EXPECT_EQ(state.lowest(), 16);  // going back does not make older ones valid
    for (size_t at = 16; at < 48; ++at)
        ASSERT_EQ(run_exact(state, std::span(tokens).subspan(at, 1)).front(), expected[at]) << at;
    EXPECT_EQ(state.lowest(), 32);
    state.reset();
    expect_right(state, tokens, expected, "after a reset");
}

constexpr std::pair<StateForm, Type> forms_and_caches[] = {
    {StateForm::ring, Type::f16},
    {StateForm::snapshots, Type::f16},
    {StateForm::checkpoint, Type::f16},
    {StateForm::ring, Type::q8_0}};

TEST_P(Runtime, AForkGoesItsOwnWay) {
    for (const auto& [form, kv] : forms_and_caches) {
        const auto c = context(options(form, 2, 20, kv));
        const auto tokens = some_tokens(30, 9);
        const Rows expected = serial(*c, tokens);
        SequenceState state(*c);
        for (size_t at = 0; at < 21; at += 3) run_exact(state, std::span(tokens).subspan(at, 3));
        SequenceState fork = state.fork();
        EXPECT_EQ(fork.hash(), state.hash());
        run_exact(state, some_tokens(3, 99));
        expect_right(fork, tokens, expected, "the fork");
        EXPECT_THROW(SequenceState{*c}, Error);  // both rows are taken
        state = SequenceState(std::move(fork));  // drops one
        SequenceState third(*c);
        expect_right(third, tokens, expected, "in the row of one that was dropped");
    }
}

class Saved : public Runtime {
protected:
    std::string path_ =
        (std::filesystem::temp_directory_path() / ("rewind-sequence-" + std::to_string(getpid()))).string();
    void TearDown() override { std::filesystem::remove(path_); }
};

TEST_P(Saved, GoesOnWithTheSameToken) {
    const auto tokens = some_tokens(40, 10);
    for (const auto& [form, kv] : forms_and_caches) {
        const auto c = context(options(form, 1, 4, kv));
        const Rows expected = serial(*c, tokens);
        uint64_t hash = 0;
        {
            SequenceState state(*c);
            for (size_t at = 0; at < 36; at += 4) run_exact(state, std::span(tokens).subspan(at, 4));
            state.rollback(35);  // in a ring of 34 inputs
            hash = state.hash();
            sequence::save(state, std::span(tokens).subspan(0, 36), path_);
        }
        const auto other = context(options(form, 2, 20, kv));  // whose rings are longer, so that they wrap elsewhere
        auto loaded = sequence::load(*other, path_);
        EXPECT_EQ(loaded.tokens.size(), 36u);
        EXPECT_EQ(loaded.state.pos(), 35);
        EXPECT_EQ(loaded.state.hash(), hash);
        expect_right(loaded.state, tokens, expected, "loaded");
    }
}

/// The chain's first guess is what the MTP block says of the same token when it is fed serially, however the state came
/// about: the pairing with the hidden row before, its cache and its positions.
TEST_P(Saved, DraftsFollowFromTheTrueHiddenRows) {
    const auto c = context(options(StateForm::ring, 4, 5));
    const auto tokens = some_tokens(60, 14);
    std::vector<int32_t> expected;
    {
        SequenceState state(*c);
        for (size_t i = 0; i < 50; ++i) {
            c->run({state.part(std::span(tokens).subspan(i, 1))}, {.rows = {0}, .mtp_logits = true});
            expected.push_back(c->candidates(0).front().token);
            state.advance(1, true);
        }
    }
    const auto first = [&](const SequenceState& state) {
        return c->draft({state.part(std::span(tokens).subspan(size_t(state.pos()), 1))}, {3})[0][0].token;
    };
    const auto run = [&](SequenceState& state, size_t n) {
        c->run({state.part(std::span(tokens).subspan(size_t(state.pos()), n))}, {.mtp = true});
        state.advance(int64_t(n), true);
    };
    SequenceState state(*c);
    for (const size_t n : {1, 4, 5, 2, 5, 5, 3}) {
        run(state, n);
        EXPECT_EQ(first(state), expected[size_t(state.pos())]) << "after calls up to " << state.pos();
    }
    for (const int64_t pos : {24, 17, 16}) {
        state.rollback(pos);
        EXPECT_EQ(first(state), expected[size_t(pos)]) << "back at " << pos;
    }
    run(state, 5), run(state, 5);
    SequenceState fork = state.fork();
    EXPECT_EQ(first(fork), expected[26]);
    sequence::save(state, tokens, path_);
    const auto loaded = sequence::load(*c, path_);
    EXPECT_EQ(first(loaded.state), expected[26]);
    run(fork, 4), state.rollback(20);
    const auto at = [&](const SequenceState& s) { return s.part(std::span(tokens).subspan(size_t(s.pos()), 1)); };
    const auto chains = c->draft({at(fork), at(state), at(loaded.state)}, {1, 3, 2});
    EXPECT_EQ(chains.size(), 3u);
    EXPECT_EQ(chains[0][0].token, expected[30]);
    EXPECT_EQ(chains[0][1].token, expected[20]);
    EXPECT_EQ(chains[0][2].token, expected[26]);
    const auto alone = c->draft({at(state)}, {3});
    for (size_t step = 0; step < 3; ++step) EXPECT_EQ(chains[step][1].token, alone[step][0].token) << "step " << step;
    SequenceState blind(*c);
    run_exact(blind, std::span(tokens).subspan(0, 4));
    EXPECT_FALSE(blind.mtp_ready());  // nothing was filled for it
}

TEST_P(Runtime, GoingBackIntoAPrompt) {
    const auto c = context(options(StateForm::ring, 2, 4));
    const auto tokens = some_tokens(60, 15);
    const Rows expected = serial(*c, tokens);
    SequenceState state(*c), fresh(*c);
    for (SequenceState* s : {&state, &fresh}) {
        c->run({s->part(std::span(tokens).subspan(0, 37))}, {.prefill = true});
        s->advance(37);
    }
    const auto next = [&](SequenceState& s) {
        return run_exact(s, std::span(tokens).subspan(size_t(s.pos()), 1)).front();
    };
    run_exact(state, some_tokens(3, 98));
    state.rollback(37);
    EXPECT_EQ(next(state), next(fresh));
    EXPECT_EQ(state.lowest(), 16);
    state.rollback(21);  // into the prompt, whose rows agree with decoding within tolerance
    while (state.pos() < 45) {
        const auto at = size_t(state.pos());
        ASSERT_LE(nmse(next(state), expected[at]), 1e-9) << "token " << at;
    }
    c->run({state.part(std::span(tokens).subspan(45, 10))}, {.prefill = true});  // a prompt that begins inside a block
    state.advance(10);
    EXPECT_LE(nmse(next(state), expected[55]), 1e-9);
}

TEST_P(Saved, DamageAndStrangersAreRefused) {
    const auto c = context(options(StateForm::ring, 2));
    const auto tokens = some_tokens(20, 11);
    SequenceState state(*c);
    for (size_t at = 0; at < 20; at += 4) run_exact(state, std::span(tokens).subspan(at, 4));
    sequence::save(state, tokens, path_);
    std::ifstream in(path_, std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(in)), {});
    const auto write = [&](const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; };
    const auto refused = [&](const std::string& bytes, model::Context& into, const char* part) {
        write(bytes);
        try {
            sequence::load(into, path_);
            ADD_FAILURE() << "loaded: " << part;
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
        }
    };
    std::string bad = good;
    bad[good.size() / 2] = char(bad[good.size() / 2] ^ 1);
    refused(bad, *c, "checksum");
    refused(good.substr(0, good.size() - 9), *c, "not whole");
    refused(good.substr(0, 20), *c, "not whole");
    refused("not a state at all, but long enough to hold a header of one, or so it seems to me", *c,
            "not a saved sequence");
    gguf::Recipe recipe;
    recipe.seed = 2;
    refused(good, *context(options(), recipe, "stranger"), "another model");
    refused(good, *context(options(StateForm::snapshots)), "another rollback mode");
    refused(good, *context(options(StateForm::ring, 2, 4, Type::q8_0)), "KV cache type");
    write(good);
    EXPECT_NO_THROW(sequence::load(*c, path_));  // the rows that failed loads took are free again
}

TEST_P(Saved, AFullDiskLeavesTheOldFile) {
    const auto c = context(options());
    const auto tokens = some_tokens(8, 12);
    SequenceState state(*c);
    run_exact(state, std::span(tokens).subspan(0, 4));
    sequence::save(state, tokens, path_);
    run_exact(state, std::span(tokens).subspan(4, 4));
    rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    rlimit small{1000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(sequence::save(state, tokens, path_), Error);
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
    const auto c2 = context(options());
    EXPECT_EQ(sequence::load(*c2, path_).state.pos(), 4);
    sequence::save(state, tokens, path_);  // and the state is still good
    EXPECT_EQ(sequence::load(*c2, path_).state.pos(), 8);
}

TEST_P(Runtime, BadCallsAreRefusedAndChangeNothing) {
    const auto c = context(options());
    const auto tokens = some_tokens(10, 13);
    const Rows expected = serial(*c, tokens);
    SequenceState state(*c);
    run_exact(state, std::span(tokens).subspan(0, 3));
    const auto refused = [&](std::vector<int32_t> part, model::Wanted wanted, Status status, int64_t pos = 3) {
        try {
            model::Part p = state.part(part);
            p.pos = pos;
            c->run({p}, wanted);
            ADD_FAILURE();
        } catch (const Error& e) {
            EXPECT_EQ(e.status, status) << e.what();
        }
    };
    refused({5, 512}, {}, Status::range);
    refused({5, -1}, {}, Status::range);
    refused({}, {}, Status::invalid_argument);
    refused({1, 2, 3, 4, 5}, {}, Status::invalid_argument);  // more than an exact call takes
    refused({1, 2}, {.rows = {2}}, Status::invalid_argument);
    refused({1, 2}, {}, Status::range, 511);  // past the context
    refused(some_tokens(65, 1), {.prefill = true}, Status::invalid_argument);
    EXPECT_THROW(c->draft({{.row = 7, .tokens = std::span(tokens).subspan(0, 1)}}, {1}), Error);
    expect_right(state, tokens, expected, "after refused calls");
}

INSTANTIATE_TEST_SUITE_P(Device, Runtime, testing::ValuesIn(device_ids()), device_name);
INSTANTIATE_TEST_SUITE_P(Device, Saved, testing::ValuesIn(device_ids()), device_name);

}  // namespace
}  // namespace rw::test
