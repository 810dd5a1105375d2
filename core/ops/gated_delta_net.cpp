#include "rewind/ops/gated_delta_net.h"

#include "core/ops/gdn.h"

namespace rw::ops::gated_delta_net {
namespace {

constexpr SlotArgs slot_args{arg::v,   arg::state, arg::state_out, arg::in_slot,
                             arg::seq, arg::first, arg::seq_len,   attr::order,   attr::max_len};
constexpr GdnArgs gdn_args{arg::q,      arg::k,      arg::v,    arg::g,      arg::beta,        arg::dt_bias, arg::a,
                           arg::out,    attr::path,  attr::heads, attr::scale, attr::l2norm_eps, attr::raw_gates};

int64_t state_size(const Call& call) {
    return call.arg[arg::q].ne[0] * call.arg[arg::v].ne[0] * call.arg[arg::v].ne[1];
}

}  // namespace

void validate(const Call& call) {
    const Check check("GATED_DELTA_NET", call);
    validate_gdn(check, call, gdn_args, tokens_of(call, slot_args));
    validate_slots(check, call, slot_args, state_size(call), "[S_k S_v H_v, K, P]");
}

Params params(const Call& call) {
    Params p{};
    fill_slots(call, slot_args, p);
    fill_gdn(call, gdn_args, tokens_of(call, slot_args), p);
    return p;
}

Cost cost(const Call& call) {
    const Tokens n = tokens_of(call, slot_args);
    Cost cost = cost_gdn(call, gdn_args, token_count(call, slot_args));
    const double kept = double(std::min(call.arg[arg::state_out].ne[1], n.T));
    cost.bytes += 4.0 * double(state_size(call)) * double(n.B) * (1 + kept);
    return cost;
}

double tolerance(const Call&, int) { return 1e-7; }

Example example(const Dims& dims) {
    const Op& op = find("GATED_DELTA_NET");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const GdnSizes s = example_gdn_sizes(dims);
    const Tokens n = example_slots(dims, e, slot_args, s.S_k * s.S_v * s.H_v);
    example_gdn(dims, e, gdn_args, n, op);
    e.attr[attr::order] = choice(dims, "order", op.attrs[attr::order]);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {
    "S=32 H_k=2 H_v=4 T=5 K=3 B=2 keys=iid gates=weak",
    "S=64 H_k=1 H_v=2 T=3 K=4 gate=channel gates=weak order=recent_first heads=interleaved",
    "S=128 H_k=1 H_v=2 T=37 K=2 gates=weak path=prefill",
    "S=64 H_k=1 T=40 K=2 gate=channel gates=weak path=prefill",
    nullptr};

}  // namespace rw::ops::gated_delta_net
