// What a sequence's state promises: the same bits for every way of grouping tokens into calls and of sharing a call with
// others; and a refusal wherever it could not keep that. (Going back: rollback_test.cpp; files: save_test.cpp.)
#include "tests/runtime/sequence_fixture.h"

namespace rw::test {
namespace {

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

}  // namespace
}  // namespace rw::test
