// Taking calls of slot ops apart: the tokens of one sequence, a call made of some of them, and what it returned.
// Works on argument names alone, so every op with slots (rewind/ops/slots.h) can be checked with it.
#pragma once

#include "tests/driver/suite.h"

namespace rw::test {

struct TokenArg {
    int arg, dim;  // dim: of T; the sequence is the next one
};

/// Where an op has its tokens and slots.
struct SlotForm {
    explicit SlotForm(const ops::Op& op, const Suite& suite);
    std::vector<TokenArg> in, out;
    int state, state_out, in_slot, seq, first, seq_len, order, path;
};

/// One sequence of a call.
struct Sequence {
    int64_t b, row, n, token, slot;  // token: first row in the token axis of sequence `lane`
    int64_t lane;                    // index in the last axis of token tensors
};
/// The sequences that are run: not padded, not empty, nothing out of range.
std::vector<Sequence> sequences(const SlotForm& form, const Inputs& in);

using State = std::vector<double>;
State initial_state(const SlotForm& form, const Inputs& in, const Sequence& s);

/// Tokens [t0, t1) of a sequence of some call, to be run on a state.
struct Piece {
    const Inputs* from;
    Sequence sequence;
    int64_t t0, t1;
    const State* state;
};

/// A plain call of the pieces, one sequence each (ragged when their lengths differ), with K slots. Attributes and all
/// arguments that are neither tokens nor slots come from the first piece.
Inputs call_of(const SlotForm& form, const std::vector<Piece>& pieces, int64_t K);

/// What such a call returned for piece i: output row of token t (of all `out` arguments, one after the other), state
/// in slot k.
std::vector<double> out_row(const SlotForm& form, const Inputs& in, const Outcome& got, const Sequence& s, int64_t t);
State slot_state(const SlotForm& form, const Inputs& in, const Outcome& got, int64_t row, int64_t slot);
/// The slot that holds the state after `tokens` of n tokens, or -1.
int64_t kept(const SlotForm& form, const Inputs& in, int64_t tokens, int64_t n);

/// Token by token, one call each: the rows and the states after 1, 2, ... tokens.
struct Serial {
    std::vector<std::vector<double>> out;
    std::vector<State> state;
};
Serial serial(Lab& lab, const SlotForm& form, const Inputs& in, const Sequence& s, const State& from);

/// True when the call promises bits: its path attribute is exact, or auto within the exact range, or there is none.
bool exact(const SlotForm& form, const Inputs& in);

}  // namespace rw::test
