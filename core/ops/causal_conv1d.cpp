#include "rewind/ops/causal_conv1d.h"

#include "core/ops/conv.h"

namespace rw::ops::causal_conv1d {
namespace {

constexpr SlotArgs slot_args{arg::x,   arg::state, arg::state_out, arg::in_slot, arg::seq,
                             arg::first, arg::seq_len, attr::order, attr::max_len, 1};
constexpr ConvArgs conv_args{arg::x, arg::weight, arg::bias, arg::out, attr::activation};

int64_t state_size(const Call& call) { return (call.arg[arg::weight].ne[0] - 1) * call.arg[arg::x].ne[0]; }

}  // namespace

void validate(const Call& call) {
    const Check check("CAUSAL_CONV1D", call);
    validate_conv(check, call, conv_args, tokens_of(call, slot_args));
    validate_slots(check, call, slot_args, state_size(call), "[(d_conv-1) C, K, P]");
}

Params params(const Call& call) {
    Params p{};
    fill_slots(call, slot_args, p);
    fill_conv(call, conv_args, p);
    return p;
}

Cost cost(const Call& call) {
    const Tokens n = tokens_of(call, slot_args);
    Cost cost = cost_conv(call, conv_args, token_count(call, slot_args));
    const double kept = double(std::min(call.arg[arg::state_out].ne[1], n.T));
    cost.bytes += 4.0 * double(state_size(call)) * double(n.B) * (1 + kept);
    return cost;
}

double tolerance(const Call& call, int arg) {
    return arg == arg::out ? conv_out_tolerance : kept_tolerance(call.arg[arg::x]);
}

Example example(const Dims& dims) {
    const Op& op = find("CAUSAL_CONV1D");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_slots(dims, e, slot_args, (dims.integer("d_conv", 4) - 1) * dims.integer("C", 64));
    example_conv(dims, e, conv_args, n, op);
    e.attr[attr::order] = choice(dims, "order", op.attrs[attr::order]);
    stretch(dims, e, arg::weight);
    return e;
}

const char* const selftest[] = {
    "C=96 T=5 K=3 B=2 activation=silu",
    "C=67 d_conv=3 T=2 K=4 order=recent_first layout=odd type=f16",
    "C=64 d_conv=9 T=70 K=3 B=2 len=70,3 activation=silu bias=0 type=bf16",
    nullptr};

}  // namespace rw::ops::causal_conv1d
