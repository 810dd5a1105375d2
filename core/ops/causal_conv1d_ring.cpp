#include "rewind/ops/causal_conv1d_ring.h"

#include "core/ops/conv.h"

namespace rw::ops::causal_conv1d_ring {
namespace {

constexpr SlotArgs slot_args{arg::x, -1, -1, -1, arg::seq, arg::first, arg::seq_len, -1, attr::max_len, 1};
constexpr ConvArgs conv_args{arg::x, arg::weight, arg::bias, arg::out, attr::activation};

}  // namespace

void validate(const Call& call) {
    const Check check("CAUSAL_CONV1D_RING", call);
    const Tokens n = tokens_of(call, slot_args);
    const Tensor& ring = call.arg[arg::ring];
    validate_sequences(check, call, slot_args);
    validate_conv(check, call, conv_args, n);
    check.shape(arg::ring, "ring", {call.arg[arg::x].ne[0], -1, -1, 1}, "[C, R, P]");
    const int64_t least = call.arg[arg::weight].ne[0] - 1;
    check.that(ring.ne[1] >= least, "ring: R = ", ring.ne[1], " rows do not hold the d_conv - 1 = ", least,
               " inputs before a token; make R at least that, plus the number of positions to roll back");
    check.rows(arg::ring, "ring"), check.fits(arg::ring, "ring");
    check.shape(arg::pos, "pos", {n.B, 1, 1, 1}, "[B]"), check.packed(arg::pos, "pos", 0);
    check.that(call.arg[arg::seq] || ring.ne[2] >= n.B, "ring: ", ring.ne[2], " pool rows for ", n.B,
               " sequences; give a row to each, or name rows with seq");
}

Params params(const Call& call) {
    Params p{};
    const Tensor& ring = call.arg[arg::ring];
    fill_sequences(call, slot_args, p);
    fill_conv(call, conv_args, p);
    p.pool = int32_t(ring.ne[2]), p.R = int32_t(ring.ne[1]);
    p.ring_r = int32_t(ring.stride(1)), p.ring_b = int32_t(ring.stride(2));
    return p;
}

Cost cost(const Call& call) {
    const Tokens n = tokens_of(call, slot_args);
    Cost cost = cost_conv(call, conv_args, token_count(call, slot_args));
    const double read = double(call.arg[arg::weight].ne[0] - 1);
    const double kept = double(std::min(call.arg[arg::ring].ne[1], n.packed ? n.N : n.T)) * double(n.packed ? 1 : n.B);
    cost.bytes += 4.0 * double(call.arg[arg::x].ne[0]) * (read * double(n.B) + kept);
    return cost;
}

double tolerance(const Call& call, int arg) {
    return arg == arg::out ? conv_out_tolerance : kept_tolerance(call.arg[arg::x]);
}

Example example(const Dims& dims) {
    const Op& op = find("CAUSAL_CONV1D_RING");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_sequences(dims, e, slot_args);
    example_conv(dims, e, conv_args, n, op);
    const int64_t C = dims.integer("C", 64), R = dims.integer("R", 32), P = dims.integer("pool", n.B);
    // Rows of positions < 0 get values too: a kernel that reads them instead of zero is found out.
    Example::Arg& ring = e.put(arg::ring, Type::f32, {C, R, P, 1}, Fill{"normal"});
    if (dims.word("ringlayout", "packed") == "padded")
        ring.nb = {4, 4 * (C + 16), 4 * (C + 16) * (R + 1), 4 * (C + 16) * (R + 1) * P};
    Fill pos{"list"};
    pos.values = dims.list("pos");
    if (pos.values.empty()) pos.values.push_back(0);
    if (pos.values.size() == 1) pos.values.assign(size_t(n.B), pos.values[0]);
    e.put(arg::pos, Type::i32, {int64_t(pos.values.size()), 1, 1, 1}, pos);
    stretch(dims, e, arg::weight);
    return e;
}

const char* const selftest[] = {
    "C=96 T=5 B=2 pos=30,1 activation=silu",
    "C=67 d_conv=3 T=2 R=2 pos=9 layout=odd type=f16",
    "C=64 d_conv=9 T=70 R=17 B=2 len=70,3 pos=3,16 activation=silu bias=0 type=bf16",
    nullptr};

}  // namespace rw::ops::causal_conv1d_ring
