#include "rewind/ops/gated_delta_net_ring.h"

#include "core/ops/ring.h"

namespace rw::ops::gated_delta_net_ring {
namespace {

constexpr SlotArgs slot_args{arg::v, -1, -1, -1, arg::seq, arg::first, arg::seq_len, -1, attr::max_len};
constexpr GdnArgs gdn_args{arg::q,   arg::k,     arg::v,      arg::g,      arg::beta,        arg::dt_bias, arg::a,
                           arg::out, attr::path, attr::heads, attr::scale, attr::l2norm_eps, attr::raw_gates};
constexpr RingArgs ring_args{arg::pos, arg::seq, arg::base, arg::ring_k, arg::ring_d, arg::ring_g};

RingSizes sizes(const Call& call) {
    const Tensor &q = call.arg[arg::q], &v = call.arg[arg::v];
    return {q.ne[0], v.ne[0], q.ne[1], v.ne[1], call.arg[arg::g].ne[0]};
}

/// Most tokens that an exact call may have.
int64_t exact_tokens(const Call& call) { return ring_window(call, ring_args) * (call.arg[arg::base].ne[1] - 1); }

}  // namespace

void validate(const Call& call) {
    const Check check("GATED_DELTA_NET_RING", call);
    const Tokens n = tokens_of(call, slot_args);
    validate_sequences(check, call, slot_args);
    validate_gdn(check, call, gdn_args, n);
    validate_ring(check, call, ring_args, sizes(call), n.B);
    check.that(call.attr[attr::path] != 1 || n.T <= exact_tokens(call), "path = exact: T = ", n.T,
               " passes W (n_base - 1) = ", exact_tokens(call),
               "; keep more bases, call with fewer tokens, or use prefill",
               n.packed && call.attr[attr::max_len] == 0
                   ? ". Packed tokens without max_len may all belong to one sequence: give max_len"
                   : "");
}

Params params(const Call& call) {
    Params p{};
    const Tokens n = tokens_of(call, slot_args);
    fill_sequences(call, slot_args, p);
    fill_ring(call, ring_args, p);
    fill_gdn(call, gdn_args, n, p);
    p.prefill = wants_prefill(call.attr[attr::path], n.T, std::min<int64_t>(RW_GDN_EXACT_TOKENS, exact_tokens(call)));
    return p;
}

Cost cost(const Call& call) {
    const Tokens n = tokens_of(call, slot_args);
    const RingSizes s = sizes(call);
    const double tokens = double(token_count(call, slot_args)), W = double(ring_window(call, ring_args));
    const double row = 4.0 * double(s.S_k * s.H_k + (s.S_v + s.gate) * s.H_v);
    Cost cost = cost_gdn(call, gdn_args, int64_t(tokens));
    // The state: in once a call, out once in W tokens. Rows: half a block read on average, every token's row written.
    cost.bytes += 4.0 * double(s.S_k * s.S_v * s.H_v) * (double(n.B) + tokens / W);
    cost.bytes += row * (double(n.B) * W / 2 + tokens);
    return cost;
}

double tolerance(const Call&, int) { return 1e-7; }

Example example(const Dims& dims) {
    const Op& op = find("GATED_DELTA_NET_RING");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const GdnSizes s = example_gdn_sizes(dims);
    const Tokens n = example_sequences(dims, e, slot_args);
    example_gdn(dims, e, gdn_args, n, op);
    example_ring(dims, e, ring_args, {s.S_k, s.S_v, s.H_k, s.H_v, s.gate}, n.B);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {
    "S=32 H_k=2 H_v=4 T=5 B=2 pos=14,3 gates=weak",
    "S=64 H_k=1 H_v=2 T=1 pos=31 gate=channel gates=weak",
    "S=128 H_k=1 H_v=2 T=37 pos=5 gates=weak path=prefill",
    "S=64 H_k=1 T=40 pos=9 gate=channel gates=weak path=prefill",
    nullptr};

}  // namespace rw::ops::gated_delta_net_ring
