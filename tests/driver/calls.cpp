#include "tests/driver/calls.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "rewind/ops/slots.h"

namespace rw::test {
namespace {

/// Elements of one token of one sequence in a token tensor, and where they start.
int64_t token_size(const Extent& ne, int dim) {
    int64_t n = 1;
    for (int d = 0; d < dim; ++d) n *= ne[size_t(d)];
    return n;
}

int64_t token_start(const Extent& ne, int dim, int64_t lane, int64_t token) {
    const int64_t lanes = dim + 1 < 4 ? ne[size_t(dim) + 1] : 1;  // fewer than sequences: broadcast
    return (lane % lanes * ne[size_t(dim)] + token) * token_size(ne, dim);
}

/// Sequences of which seq, first and seq_len are in range.
std::vector<Sequence> in_range(const TokenForm& form, const Inputs& in, int64_t pool) {
    const TokenArg& tokens = form.out.front();
    const Extent& ne = in.ne(tokens.arg);
    const int64_t rows = ne[size_t(tokens.dim)];
    const bool packed = in.has(form.first);
    const double max_len = form.max_len < 0 ? 0 : in.example.attr[size_t(form.max_len)];
    const int64_t T = max_len > 0 ? int64_t(max_len) : rows, B = packed ? in.ne(form.first)[0] : ne[size_t(tokens.dim) + 1];
    std::vector<Sequence> list;
    for (int64_t b = 0; b < B; ++b) {
        const Sequence s{b, in.index(form.seq, b, b), in.index(form.seq_len, b, T), in.index(form.first, b, 0), 0,
                         packed ? 0 : b};
        if (s.row >= 0 && s.row < pool && s.n > 0 && s.n <= T && s.token >= 0 && s.token <= rows - s.n) list.push_back(s);
    }
    return list;
}

/// A copy but for the token tensors: copying a long stream for each of its tokens takes longer than the calls.
Inputs without_tokens(const TokenForm& form, const Inputs& in) {
    Inputs copy;
    copy.op = in.op, copy.example = in.example, copy.align = in.align, copy.seed = in.seed;
    copy.value.resize(in.value.size());
    for (size_t i = 0; i < in.value.size(); ++i)
        if (std::none_of(form.in.begin(), form.in.end(), [&](const TokenArg& a) { return a.arg == int(i); }))
            copy.value[i] = in.value[i];
    return copy;
}

}  // namespace

TokenForm::TokenForm(const ops::Op& op, const Suite& suite)
    : seq(op.arg_index("seq")), first(op.arg_index("first")), seq_len(op.arg_index("seq_len")),
      path(op.attr_index("path")), max_len(op.attr_index("max_len")) {
    for (int i = 0; i < int(op.args.size()); ++i) {
        const ops::ArgRow& row = op.args[size_t(i)];
        const auto listed = suite.token_dim.find(row.name);
        if (row.use == ops::Use::inout || (row.rank != 4 && listed == suite.token_dim.end())) continue;
        if (std::count(suite.not_tokens.begin(), suite.not_tokens.end(), row.name)) continue;
        (row.written() ? out : in).push_back({i, listed == suite.token_dim.end() ? 2 : listed->second});
    }
}

SlotForm::SlotForm(const ops::Op& op, const Suite& suite)
    : TokenForm(op, suite), state(op.arg_index("state")), state_out(op.arg_index("state_out")),
      in_slot(op.arg_index("in_slot")), order(op.attr_index("order")) {}

RingForm::RingForm(const ops::Op& op, const Suite& suite) : TokenForm(op, suite), pos(op.arg_index("pos")) {
    for (int i = 0; i < int(op.args.size()); ++i)
        if (op.args[size_t(i)].use == ops::Use::inout) memory.push_back(i);
}

std::vector<Sequence> sequences(const SlotForm& form, const Inputs& in) {
    std::vector<Sequence> list = in_range(form, in, std::min(in.ne(form.state)[2], in.ne(form.state_out)[2]));
    for (Sequence& s : list) s.slot = in.index(form.in_slot, s.b, 0);
    std::erase_if(list, [&](const Sequence& s) { return s.slot < 0 || s.slot >= in.ne(form.state)[1]; });
    return list;
}

std::vector<Sequence> sequences(const RingForm& form, const Inputs& in) {
    const int memory = form.memory.front();
    std::vector<Sequence> list = in_range(form, in, in.ne(memory)[size_t(in.op->args[size_t(memory)].rank) - 1]);
    std::erase_if(list, [&](const Sequence& s) {
        const int64_t pos = in.index(form.pos, s.b, 0);
        return pos < 0 || pos > std::numeric_limits<int32_t>::max() - s.n;
    });
    return list;
}

State initial_state(const SlotForm& form, const Inputs& in, const Sequence& s) {
    const Extent& ne = in.ne(form.state);
    const double* from = in.value[size_t(form.state)].data() + (s.row * ne[1] + s.slot) * ne[0];
    return {from, from + ne[0]};
}

Sequence whole_sequence(const TokenForm& form, const Inputs& in, int64_t b) {
    const TokenArg& tokens = form.out.front();
    return {b, b, in.ne(tokens.arg)[size_t(tokens.dim)], 0, 0, b};
}

Inputs tokens_of(const TokenForm& form, const std::vector<Piece>& pieces) {
    Inputs call = without_tokens(form, *pieces.front().from);
    call.plain_layout();
    for (const int arg : {form.seq, form.first, form.seq_len}) call.drop(arg);
    if (form.max_len >= 0) call.example.attr[size_t(form.max_len)] = 0;
    const int64_t B = int64_t(pieces.size());
    int64_t T = 1;
    std::vector<int64_t> lengths;
    for (const Piece& p : pieces) lengths.push_back(p.t1 - p.t0), T = std::max(T, lengths.back());
    if (std::any_of(lengths.begin(), lengths.end(), [&](int64_t n) { return n != T; }))
        call.put_list(form.seq_len, lengths);
    for (const TokenArg& a : form.in) {
        if (!call.has(a.arg)) continue;
        Extent ne = call.ne(a.arg);
        ne[size_t(a.dim)] = T, ne[size_t(a.dim) + 1] = B;
        const int64_t size = token_size(ne, a.dim);
        std::vector<double> values(size_t(size * T * B), std::numeric_limits<double>::quiet_NaN());
        for (int64_t b = 0; b < B; ++b) {
            const Piece& p = pieces[size_t(b)];
            const std::vector<double>& from = p.from->value[size_t(a.arg)];
            const int64_t start = token_start(p.from->ne(a.arg), a.dim, p.sequence.lane, p.sequence.token + p.t0);
            std::copy_n(from.begin() + start, size * lengths[size_t(b)], values.begin() + b * T * size);
        }
        call.put(a.arg, ne, std::move(values));
    }
    for (const TokenArg& a : form.out) {
        Extent& ne = call.example.arg[size_t(a.arg)].ne;
        ne[size_t(a.dim)] = T, ne[size_t(a.dim) + 1] = B;
    }
    return call;
}

Inputs packed(const TokenForm& form, const Inputs& in) {
    const TokenArg& tokens = form.out.front();
    const int64_t T = in.ne(tokens.arg)[size_t(tokens.dim)], B = in.ne(tokens.arg)[size_t(tokens.dim) + 1];
    std::vector<int64_t> first(size_t(B), 0), lengths;
    int64_t N = 1;
    for (int64_t b = 0; b < B; ++b) lengths.push_back(in.index(form.seq_len, b, T));
    for (int64_t b = B; b-- > 0;) first[size_t(b)] = N, N += lengths[size_t(b)] + 1;
    Inputs call = in;
    for (const TokenArg& a : form.in) {
        if (!in.has(a.arg)) continue;
        Extent ne = in.ne(a.arg);
        const int64_t size = token_size(ne, a.dim);
        std::vector<double> values(size_t(size * N), std::numeric_limits<double>::quiet_NaN());
        for (int64_t b = 0; b < B; ++b)
            std::copy_n(in.value[size_t(a.arg)].begin() + token_start(ne, a.dim, b, 0), size * lengths[size_t(b)],
                        values.begin() + first[size_t(b)] * size);
        ne[size_t(a.dim)] = N, ne[size_t(a.dim) + 1] = 1;
        call.put(a.arg, ne, std::move(values));
    }
    for (const TokenArg& a : form.out) {
        Extent& ne = call.example.arg[size_t(a.arg)].ne;
        ne[size_t(a.dim)] = N, ne[size_t(a.dim) + 1] = 1;
    }
    call.put_list(form.first, first), call.put_list(form.seq_len, lengths);
    call.example.attr[size_t(form.max_len)] = double(T);
    return call;
}

Inputs call_of(const SlotForm& form, const std::vector<Piece>& pieces, int64_t K) {
    Inputs call = tokens_of(form, pieces);
    call.drop(form.in_slot);
    const int64_t D = call.ne(form.state)[0], B = int64_t(pieces.size());
    std::vector<double> states;
    for (const Piece& p : pieces) states.insert(states.end(), p.state->begin(), p.state->end());
    call.put(form.state, {D, 1, B, 1}, std::move(states));
    call.put(form.state_out, {D, K, B, 1}, {});
    return call;
}

void replace_tail(const TokenForm& form, Inputs& in, const Inputs& other, const std::vector<int64_t>& from) {
    for (const TokenArg& a : form.in) {
        if (!in.has(a.arg)) continue;
        const Extent& ne = in.ne(a.arg);
        const int64_t T = ne[size_t(a.dim)];
        for (int64_t b = 0; b < int64_t(from.size()); ++b) {
            const int64_t start = token_start(ne, a.dim, b, std::min(from[size_t(b)], T)), end = token_start(ne, a.dim, b, T);
            const std::vector<double>& x = other.value[size_t(a.arg)];
            std::copy(x.begin() + start, x.begin() + end, in.value[size_t(a.arg)].begin() + start);
        }
    }
}

std::vector<double> out_row(const TokenForm& form, const Inputs& in, const Outcome& got, const Sequence& s, int64_t t) {
    std::vector<double> row;
    for (const TokenArg& a : form.out) {
        const double* from = got.value[size_t(a.arg)].data() + token_start(in.ne(a.arg), a.dim, s.lane, s.token + t);
        row.insert(row.end(), from, from + token_size(in.ne(a.arg), a.dim));
    }
    return row;
}

State slot_state(const SlotForm& form, const Inputs& in, const Outcome& got, int64_t row, int64_t slot) {
    const Extent& ne = in.ne(form.state_out);
    const double* from = got.value[size_t(form.state_out)].data() + (row * ne[1] + slot) * ne[0];
    return {from, from + ne[0]};
}

int64_t kept(const SlotForm& form, const Inputs& in, int64_t tokens, int64_t n) {
    return ops::kept_slot(int(tokens - 1), int(n), int(in.ne(form.state_out)[1]), int(in.example.attr[size_t(form.order)]));
}

Serial serial(Lab& lab, const SlotForm& form, const Inputs& in, const Sequence& s, const State& from) {
    Serial result;
    State state = from;
    const Sequence only{0, 0, 1, 0, 0, 0};
    for (int64_t t = 0; t < s.n; ++t) {
        const Inputs one = call_of(form, {{&in, s, t, t + 1, &state}}, 1);
        const Outcome got = lab.run(one);
        state = slot_state(form, one, got, 0, 0);
        result.out.push_back(out_row(form, one, got, only, 0));
        result.state.push_back(state);
    }
    return result;
}

int64_t field(const Inputs& in, const std::string& name, int64_t fallback) {
    std::vector<std::byte> params(in.op->params_size);
    in.op->fill_params(in.shape(), params.data());
    int32_t value = int32_t(fallback);
    for (const ops::Field& f : in.op->fields)
        if (!f.is_float && f.name == name) std::memcpy(&value, params.data() + f.offset, sizeof value);
    return value;
}

bool exact(const Inputs& in) { return field(in, "prefill", 0) == 0; }

}  // namespace rw::test
