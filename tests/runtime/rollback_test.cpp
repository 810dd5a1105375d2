// Going back, in each of the forms: exactly what was there, or a refusal.
#include "tests/runtime/sequence_fixture.h"

namespace rw::test {
namespace {

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

}  // namespace
}  // namespace rw::test
