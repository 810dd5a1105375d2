// The first half of compiling: expressions become states that may pass to others without reading anything.
#pragma once

#include <optional>

#include "runtime/grammar/program.h"

namespace rw::grammar {

struct Fragments {
    struct State {
        std::vector<Move> moves{};
        std::vector<uint32_t> passes{};  // to states, reading nothing
        std::vector<uint32_t> calls{};
        uint32_t rule = 0;
    };
    struct Rule {
        uint32_t entry = 0, end = 0;  // states
        uint32_t name = 0;           // the rule of the grammar that it is of
        bool counted = false;        // the part of a counted repetition
    };
    std::vector<State> states;
    std::vector<Rule> rules;  // those of the grammar first
    std::vector<Call> calls;
};

/// Throws Error(invalid_argument) for what is too large.
Fragments make_fragments(const Rules& rules);

}  // namespace rw::grammar
