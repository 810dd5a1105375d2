#include "tests/runtime/sequence_fixture.h"

namespace rw::test {

model::Options options(StateForm form, int64_t sequences, int64_t most_exact, Type kv) {
    model::Options o;
    o.pools.form = form, o.pools.sequences = sequences, o.pools.most_exact = most_exact, o.pools.kv = kv;
    return o;
}

Rows serial(model::Context& context, std::span<const int32_t> tokens) {
    SequenceState state(context);
    Rows rows;
    for (size_t i = 0; i < tokens.size(); ++i) rows.push_back(run_exact(state, tokens.subspan(i, 1)).front());
    return rows;
}

void expect_right(SequenceState& state, const std::vector<int32_t>& tokens, const Rows& expected, const char* what) {
    const auto at = size_t(state.pos());
    ASSERT_EQ(run_exact(state, std::span(tokens).subspan(at, 1)).front(), expected[at]) << what;
}

}  // namespace rw::test
