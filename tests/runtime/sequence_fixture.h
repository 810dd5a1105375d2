// What the tests of a sequence's state share: contexts of every form, and what is right at every token.
#pragma once

#include "tests/runtime/runtime_fixture.h"

namespace rw::test {

using model::StateForm;
using sequence::SequenceState;
using Rows = std::vector<std::vector<float>>;

model::Options options(StateForm form = StateForm::ring, int64_t sequences = 1, int64_t most_exact = 4,
                       Type kv = Type::f16);

/// Logits of every token, one call a token: what everything else is compared with.
Rows serial(model::Context& context, std::span<const int32_t> tokens);

/// Goes on from `state` with the tokens behind its position and compares with what is right there.
void expect_right(SequenceState& state, const std::vector<int32_t>& tokens, const Rows& expected, const char* what);

inline constexpr std::pair<StateForm, Type> forms_and_caches[] = {
    {StateForm::ring, Type::f16},
    {StateForm::snapshots, Type::f16},
    {StateForm::checkpoint, Type::f16},
    {StateForm::ring, Type::q8_0}};

}  // namespace rw::test
