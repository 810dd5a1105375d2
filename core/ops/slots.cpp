#include "core/ops/slots.h"

#include <cmath>

namespace rw::ops {
namespace {

void index_vector(const Check& check, const Call& call, int arg, const char* name, int64_t B) {
    if (arg < 0 || !call.arg[arg]) return;
    check.shape(arg, name, {B, 1, 1, 1}, "[B]");
    check.packed(arg, name, 0);
}

Example::Arg& put_list(Example& example, int arg, const std::vector<int64_t>& values) {
    Fill fill{"list"};
    fill.values = values;
    return example.put(arg, Type::i32, {int64_t(values.size()), 1, 1, 1}, fill);
}

}  // namespace

void validate_sequences(const Check& check, const Call& call, const SlotArgs& at) {
    const Tokens n = tokens_of(call, at);
    index_vector(check, call, at.in_slot, "in_slot", n.B);
    index_vector(check, call, at.seq, "seq", n.B);
    index_vector(check, call, at.first, "first", n.B);
    index_vector(check, call, at.seq_len, "seq_len", n.B);
    const double most = call.attr[at.max_len_attr];
    check.that(n.packed || most == 0, "max_len: is for packed tokens (first is given); leave it 0 without");
    if (!n.packed) return;
    check.that(most >= 0 && most <= double(n.N) && most == std::floor(most),
               "max_len: is a whole number from 0 (all rows) to the " + std::to_string(n.N) + " rows of the token tensors");
    check.that(at.seq_len >= 0 && call.arg[at.seq_len], "seq_len: required with first (packed tokens)");
    check.that(call.arg[at.tokens].ne[at.token_dim + 1] == 1,
               "packed tokens (first is given): token tensors are [.., N, 1], the last dimension has to be 1");
}

void validate_slots(const Check& check, const Call& call, const SlotArgs& at, int64_t D, const char* D_spelled) {
    validate_sequences(check, call, at);
    const Tokens n = tokens_of(call, at);
    check.shape(at.state, "state", {D, -1, -1, 1}, D_spelled);
    check.shape(at.state_out, "state_out", {D, -1, -1, 1}, D_spelled);
    check.packed(at.state, "state", 0);
    check.packed(at.state_out, "state_out", 0);
    for (int arg : {at.state, at.state_out}) check.fits(arg, arg == at.state ? "state" : "state_out");
    if (at.seq >= 0 && call.arg[at.seq]) return;  // pool rows are then data, checked by the kernel
    const int64_t rows = std::min(call.arg[at.state].ne[2], call.arg[at.state_out].ne[2]);
    check.that(rows >= n.B, "state, state_out: ", rows, " pool rows for ", n.B,
               " sequences; give a row to each, or name rows with seq");
}

Tokens example_sequences(const Dims& dims, Example& example, const SlotArgs& at) {
    Tokens n{dims.integer("T", 1), dims.integer("B", 1), 0, dims.has("first")};
    n.N = n.T;
    const auto seq = dims.list("seq"), first = dims.list("first"), len = dims.list("len");
    if (!seq.empty()) put_list(example, at.seq, seq);
    if (!len.empty()) put_list(example, at.seq_len, len);
    if (n.packed) {
        put_list(example, at.first, first);
        n.N = dims.integer("N", n.T);
        n.T = n.N, n.B = int64_t(first.size());
    }
    example.attr[size_t(at.max_len_attr)] = dims.number("max_len", 0);
    return n;
}

Tokens example_slots(const Dims& dims, Example& example, const SlotArgs& at, int64_t D) {
    const Tokens n = example_sequences(dims, example, at);
    const auto in_slot = dims.list("in_slot");
    if (!in_slot.empty()) put_list(example, at.in_slot, in_slot);
    const int64_t K = dims.integer("K", 1), pool = dims.integer("pool", n.B);
    const bool alias = dims.integer("alias", 0) != 0;
    const int64_t K_in = dims.integer("K_in", alias ? K : 1);
    Fill states{"states", dims.word("state", "normal")};
    example.put(at.state, Type::f32, {D, K_in, pool, 1}, states);
    example.put(at.state_out, Type::f32, {D, K, pool, 1}, Fill{"zero"}).alias = alias ? at.state : -1;
    if (alias && K_in != K)  // slot by slot over each other: the rows of both are as long as the longer one's
        for (const int arg : {at.state, at.state_out})
            example.arg[size_t(arg)].nb = contiguous(Type::f32, {D, std::max(K, K_in), pool, 1});
    return n;
}

namespace {

Type one_of(const Dims& dims, const std::string& word, const char* fallback, std::initializer_list<Type> types) {
    const std::string name = dims.word(word, fallback);
    std::string names;
    for (const Type type : types) {
        if (name == name_of(type)) return type;
        names += (names.empty() ? "" : ", ") + std::string(name_of(type));
    }
    throw Error(Status::invalid_argument, word + "=" + name + ": expected one of " + names);
}

}  // namespace

Type example_type(const Dims& dims) { return one_of(dims, "type", "f32", {Type::f32, Type::f16, Type::bf16}); }

Type example_cache_type(const Dims& dims, const char* word, const char* fallback) {
    return one_of(dims, word, fallback, {Type::f32, Type::f16, Type::q8_0});
}

void lay_out(Example::Arg& x, const std::string& layout) {
    const Extent& ne = x.ne;
    const bool blocks = is_quantised(x.type);
    const int64_t element = size_of(x.type), row = ne[0] / info(x.type).block, wide = row + (blocks ? 1 : 16);
    if (layout == "permuted")  // heads outside tokens in memory: nb[1] > nb[2]
        x.nb = {element, element * row * ne[2], element * row, element * row * ne[1] * ne[2]};
    else if (layout == "padded")  // each row 16 elements or a block longer, each head block one row
        x.nb = {element, element * wide, element * wide * (ne[1] + 1), element * wide * (ne[1] + 1) * ne[2]};
    else if (layout == "odd")  // rows that no vector load is aligned for
        x.nb = {element, element * (row + 1), element * (row + 1) * ne[1], element * (row + 1) * ne[1] * ne[2]};
    else if (layout != "packed")
        throw Error(Status::invalid_argument, "layout=" + layout + ": expected packed, permuted, padded or odd");
}

void stretch(const Dims& dims, Example& example, int packed) {
    const int64_t gap = dims.integer("stridden", 0);
    if (gap == 0) return;
    for (size_t i = 0; i < example.arg.size(); ++i) {
        Example::Arg& x = example.arg[i];
        if (!x.present || x.type == Type::i32 || x.nb[0] || int(i) == packed) continue;
        const int64_t blocks = x.ne[0] / info(x.type).block;
        x.nb[0] = size_of(x.type);
        for (size_t d = 1; d < 4; ++d) x.nb[d] = x.nb[d - 1] * (d == 1 ? blocks : x.ne[d - 1]) + gap * x.nb[0];
    }
}

int64_t token_count(const Call& call, const SlotArgs& at) {
    const Tokens n = tokens_of(call, at);
    return n.packed ? n.N : n.T * n.B;
}

double choice(const Dims& dims, const std::string& key, const AttrRow& row) {
    const std::string word = dims.word(key, "");
    if (word.empty()) return row.fallback;
    if (const int index = row.choice_index(word); index >= 0) return index;
    throw Error(Status::invalid_argument, key + "=" + word + ": expected one of " + row.choices);
}

}  // namespace rw::ops
