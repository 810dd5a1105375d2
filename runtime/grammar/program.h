// A compiled grammar: what may come next as bytes of UTF-8, one small automaton a rule. Immutable.
//
// A state has moves by a byte, calls of other rules, and says whether its rule may end there. A call leads to the callee's
// entry and, when the callee has ended, to the state behind the call. What was passed over for being empty is worked out
// here, once: states have what is open without reading anything, and a callee that may be empty is skipped by its
// caller, so the matcher (stacks.h) never ends a rule that it has just entered.
//
// Repetitions are copies where that is small. Others are counted: the part is a rule without a name, whose calls carry
// how many more there have to be and may be. So {1,1000000} is as small as {1,2}.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/grammar/expression.h"

namespace rw::grammar {

struct Move {
    uint8_t first, last;  // bytes
    uint32_t to;          // state
    auto operator<=>(const Move&) const = default;
};

struct Call {
    uint32_t rule;
    uint32_t next;                  // state behind it
    uint32_t least = 1, most = 1;   // times, where it is counted
    bool counted = false;
    bool last = false;              // nothing comes behind it in its rule: the callee ends where the caller would
};

struct State {
    std::vector<Move> moves{};
    std::vector<uint32_t> calls{};
    bool end = false;
    auto operator<=>(const State&) const = default;
};

struct Program {
    std::vector<State> states;
    std::vector<Call> calls;
    std::vector<uint32_t> entry;  // state, of each rule
    std::vector<uint32_t> rank;   // of each rule: one that is entered with another has the higher one
    uint32_t root = 0;            // rule
    std::array<uint8_t, 256> kind{};  // bytes of one kind are in the same moves
    uint32_t kinds = 1;
};

/// Throws Error(invalid_argument) naming a rule that is left-recursive, that never ends, or what makes it too large.
Program compile(const Rules& rules);

}  // namespace rw::grammar
