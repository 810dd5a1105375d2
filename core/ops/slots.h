// The C++ half of include/rewind/ops/slots.h: checking, filling and exemplifying the slot arguments of any op.
#pragma once

#include <algorithm>

#include "rewind/ops/registry.h"
#include "rewind/ops/slots.h"

namespace rw::ops {

/// Where an op keeps its slot arguments; -1 for one it does not have.
struct SlotArgs {
    int tokens;  // a token tensor [.., T, B] or, packed, [.., N, 1]: dimensions 2 and 3
    int state, state_out, in_slot, seq, first, seq_len, order_attr, max_len_attr;
    int token_dim = 2;  // dimension of T in `tokens`; B is the next one
};

/// Sequences and tokens of the call: T, the most tokens that a sequence may have, and N, the rows of the token axis.
struct Tokens {
    int64_t T, B, N;
    bool packed;
};
inline Tokens tokens_of(const Call& call, const SlotArgs& at) {
    const Tensor& x = call.arg[at.tokens];
    const int64_t rows = x.ne[at.token_dim];
    if (at.first < 0 || !call.arg[at.first]) return {rows, x.ne[at.token_dim + 1], rows, false};
    const double most = call.attr[at.max_len_attr];
    return {most > 0 && most < double(rows) ? int64_t(most) : rows, call.arg[at.first].ne[0], rows, true};
}

/// Checks the i32 vectors, that packed calls bring seq_len, and max_len.
void validate_sequences(const Check& check, const Call& call, const SlotArgs& at);
/// validate_sequences, and the state tensors: D elements a slot, packed inside a slot, K >= 1, pools large enough.
void validate_slots(const Check& check, const Call& call, const SlotArgs& at, int64_t D, const char* D_spelled);

template <class Params>
void fill_sequences(const Call& call, const SlotArgs& at, Params& p) {
    const Tokens n = tokens_of(call, at);
    p.T = int32_t(n.T), p.B = int32_t(n.B), p.N = int32_t(n.N), p.packed = n.packed;
    p.has_seq = at.seq >= 0 && bool(call.arg[at.seq]);
    p.has_seq_len = at.seq_len >= 0 && bool(call.arg[at.seq_len]);
}

template <class Params>
void fill_slots(const Call& call, const SlotArgs& at, Params& p) {
    fill_sequences(call, at, p);
    const Tensor &in = call.arg[at.state], &out = call.arg[at.state_out];
    p.K = int32_t(out.ne[1]), p.K_in = int32_t(in.ne[1]);
    p.pool = int32_t(std::min(in.ne[2], out.ne[2]));
    p.order = int32_t(call.attr[at.order_attr]);
    p.has_in_slot = bool(call.arg[at.in_slot]);
    p.state_slot = int32_t(in.stride(1)), p.state_row = int32_t(in.stride(2));
    p.out_slot = int32_t(out.stride(1)), p.out_row = int32_t(out.stride(2));
}

/// Words: T B K K_in pool alias in_slot seq first len max_len order state. Returns T, B, N for the token tensors.
Tokens example_slots(const Dims& dims, Example& example, const SlotArgs& at, int64_t D);
/// The part without states: seq, first, seq_len, max_len.
Tokens example_sequences(const Dims& dims, Example& example, const SlotArgs& at);

/// The word `type`: f32 (the default), f16 or bf16; throws for another one.
Type example_type(const Dims& dims);
/// The type of a cache of keys or values: f32, f16 or q8_0.
Type example_cache_type(const Dims& dims, const char* word = "type", const char* fallback = "f32");

/// Another memory layout for a packed example argument [width, heads, T, B]: packed | permuted | padded | odd.
void lay_out(Example::Arg& x, const std::string& layout);

/// The word stridden=N: every tensor that no other word has laid out gets gaps of N elements between its neighbours in
/// each dimension but the first. `packed`: the one whose second dimension may have none.
void stretch(const Dims& dims, Example& example, int packed = -1);

/// Tokens that really run when example data says so (lengths summed), else T * B: for cost().
int64_t token_count(const Call& call, const SlotArgs& at);

/// "auto|exact|prefill" of an attribute and T to the prefill flag.
inline bool wants_prefill(double path, int64_t T, int64_t exact_tokens) {
    return path == 2 || (path == 0 && T > exact_tokens);
}

/// One of "a|b|c" in a case line, as the attribute's index; throws for another word.
double choice(const Dims& dims, const std::string& key, const AttrRow& row);

}  // namespace rw::ops
