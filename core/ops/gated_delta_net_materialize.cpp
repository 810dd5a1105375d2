#include "rewind/ops/gated_delta_net_materialize.h"

#include "core/ops/ring.h"

namespace rw::ops::gated_delta_net_materialize {
namespace {

constexpr RingArgs ring_args{arg::pos, arg::seq, arg::base, arg::ring_k, arg::ring_d, arg::ring_g};

RingSizes sizes(const Call& call) {
    const Tensor &k = call.arg[arg::ring_k], &d = call.arg[arg::ring_d];
    return {k.ne[0], d.ne[0], k.ne[1], d.ne[1], call.arg[arg::ring_g].ne[0]};
}

}  // namespace

void validate(const Call& call) {
    const Check check("GATED_DELTA_NET_MATERIALIZE", call);
    const RingSizes s = sizes(call);
    const int64_t B = call.arg[arg::pos].ne[0];
    for (const int64_t S : {s.S_k, s.S_v})
        check.supported(S == 16 || S == 32 || S == 64 || S == 128 || S == 256,
                        "ring_k, ring_d: head sizes are 16, 32, 64, 128 or 256; got ", S);
    check.that(s.H_v % s.H_k == 0, "ring_d: H_v = ", s.H_v, " is not a multiple of H_k = ", s.H_k,
               " (dimension 1 of ring_k)");
    check.that(s.gate == 1 || s.gate == s.S_k, "ring_g: dimension 0 is 1 or S_k = ", s.S_k);
    validate_ring(check, call, ring_args, s, B);
    check.shape(arg::state, "state", {s.S_k * s.S_v * s.H_v, 1, B, 1}, "[S_k S_v H_v, 1, B]");
    check.packed(arg::state, "state", 0), check.fits(arg::state, "state");
}

Params params(const Call& call) {
    Params p{};
    const RingSizes s = sizes(call);
    p.S_k = int32_t(s.S_k), p.S_v = int32_t(s.S_v), p.H_k = int32_t(s.H_k), p.H_v = int32_t(s.H_v);
    p.gate = int32_t(s.gate), p.heads = int32_t(call.attr[attr::heads]);
    p.B = int32_t(call.arg[arg::pos].ne[0]);
    fill_ring(call, ring_args, p);
    p.state_row = int32_t(call.arg[arg::state].stride(2));
    return p;
}

Cost cost(const Call& call) {
    const RingSizes s = sizes(call);
    const double B = double(call.arg[arg::pos].ne[0]), W = double(ring_window(call, ring_args));
    const double D = double(s.S_k * s.S_v * s.H_v), row = double(s.S_k * s.H_k + (s.S_v + s.gate) * s.H_v);
    return {4 * B * (2 * D + row * W / 2), 3 * B * D * W / 2};
}

double tolerance(const Call&, int) { return 1e-7; }

Example example(const Dims& dims) {
    const Op& op = find("GATED_DELTA_NET_MATERIALIZE");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const GdnSizes s = example_gdn_sizes(dims);
    const int64_t B = dims.integer("B", 1);
    const auto seq = dims.list("seq");
    if (!seq.empty()) {
        Fill fill{"list"};
        fill.values = seq;
        e.put(arg::seq, Type::i32, {int64_t(seq.size()), 1, 1, 1}, fill);
    }
    example_ring(dims, e, ring_args, {s.S_k, s.S_v, s.H_k, s.H_v, s.gate}, B);
    e.put(arg::state, Type::f32, {s.S_k * s.S_v * s.H_v, 1, B, 1}, Fill{"zero"});
    e.attr[attr::heads] = choice(dims, "heads", op.attrs[attr::heads]);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"S=32 H_k=2 H_v=4 B=2 pos=14,32 rowg=weak",
                                "S=64 H_k=1 H_v=2 pos=7 gate=channel rowg=weak", nullptr};

}  // namespace rw::ops::gated_delta_net_materialize
