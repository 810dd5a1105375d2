// Taking calls apart: the tokens of one sequence, a call made of some of them, and what it returned. Works on argument
// names alone, so every op with sequences (rewind/ops/slots.h) can be checked with it.
#pragma once

#include "tests/driver/suite.h"

namespace rw::test {

struct TokenArg {
    int arg, dim;  // dim: of T; the sequence is the next one
};

/// Where an op has its tokens.
struct TokenForm {
    TokenForm(const ops::Op& op, const Suite& suite);
    std::vector<TokenArg> in, out;
    int seq, first, seq_len, path, max_len;
};

/// ... its slots,
struct SlotForm : TokenForm {
    SlotForm(const ops::Op& op, const Suite& suite);
    int state, state_out, in_slot, order;
};

/// ... or what it keeps by position, updated in place.
struct RingForm : TokenForm {
    RingForm(const ops::Op& op, const Suite& suite);
    int pos;
    std::vector<int> memory;
};

/// One sequence of a call.
struct Sequence {
    int64_t b, row, n, token, slot;  // token: first row in the token axis of sequence `lane`
    int64_t lane;                    // index in the last axis of token tensors
};
/// The sequences that are run: not padded, not empty, nothing out of range.
std::vector<Sequence> sequences(const SlotForm& form, const Inputs& in);
std::vector<Sequence> sequences(const RingForm& form, const Inputs& in);
/// Sequence b of a call that is neither packed nor ragged: all its tokens.
Sequence whole_sequence(const TokenForm& form, const Inputs& in, int64_t b);

using State = std::vector<double>;
State initial_state(const SlotForm& form, const Inputs& in, const Sequence& s);

/// Tokens [t0, t1) of a sequence of some call, to be run on a state.
struct Piece {
    const Inputs* from;
    Sequence sequence;
    int64_t t0, t1;
    const State* state = nullptr;
};

/// The token tensors of the pieces, one sequence each (ragged when their lengths differ, empty ones allowed).
/// Attributes and all other arguments come from the first piece; seq and first are dropped.
Inputs tokens_of(const TokenForm& form, const std::vector<Piece>& pieces);
/// ... on the pieces' states with K slots.
Inputs call_of(const SlotForm& form, const std::vector<Piece>& pieces, int64_t K);
/// A call of tokens_of with its tokens packed: the last sequence first, rows that belong to nobody between.
Inputs packed(const TokenForm& form, const Inputs& in);
/// Tokens t >= from[b] of sequence b are replaced by those of `other`, a call of the same shape.
void replace_tail(const TokenForm& form, Inputs& in, const Inputs& other, const std::vector<int64_t>& from);

/// Output row of token t: of all `out` arguments, one after the other.
std::vector<double> out_row(const TokenForm& form, const Inputs& in, const Outcome& got, const Sequence& s, int64_t t);
State slot_state(const SlotForm& form, const Inputs& in, const Outcome& got, int64_t row, int64_t slot);
/// The slot that holds the state after `tokens` of n tokens, or -1.
int64_t kept(const SlotForm& form, const Inputs& in, int64_t tokens, int64_t n);

/// Token by token, one call each: the rows and the states after 1, 2, ... tokens.
struct Serial {
    std::vector<std::vector<double>> out;
    std::vector<State> state;
};
Serial serial(Lab& lab, const SlotForm& form, const Inputs& in, const Sequence& s, const State& from);

/// An integer field of the op's parameter struct for this call.
int64_t field(const Inputs& in, const std::string& name, int64_t fallback);
/// True when the call promises bits: the op has no prefill path, or the call does not take it.
bool exact(const Inputs& in);

}  // namespace rw::test
