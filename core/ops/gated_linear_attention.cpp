#include "rewind/ops/gated_linear_attention.h"

#include <cmath>

#include "core/ops/scan.h"

namespace rw::ops::gated_linear_attention {
namespace {

constexpr SlotArgs slot_args{arg::v,   arg::state, arg::state_out, arg::in_slot,
                             arg::seq, arg::first, arg::seq_len,   attr::order,   attr::max_len};

ScanSizes sizes(const Call& call) {
    const Tensor& v = call.arg[arg::v];
    return {call.arg[arg::q].ne[0], v.ne[0], v.ne[1]};
}

}  // namespace

void validate(const Call& call) {
    const Check check("GATED_LINEAR_ATTENTION", call);
    const ScanSizes s = sizes(call);
    validate_scan_width(check, "q, k, g: S_k", s.S_k);
    validate_scan_width(check, "v: S_v", s.S_v);
    validate_scan_rows(check, tokens_of(call, slot_args),
                       {{arg::q, "q", s.S_k, s.H, "[S_k, H, T, B]"}, {arg::k, "k", s.S_k, s.H, "[S_k, H, T, B] like q"},
                        {arg::g, "g", s.S_k, s.H, "[S_k, H, T, B] like q"}, {arg::v, "v", s.S_v, s.H, "[S_v, H, T, B]"},
                        {arg::out, "out", s.S_v, s.H, "[S_v, H, T, B] like v"}});
    check.that(std::isfinite(call.attr[attr::scale]), "scale: has to be finite");
    validate_slots(check, call, slot_args, s.state(), "[S_k S_v H, K, P]");
}

Params params(const Call& call) {
    Params p{};
    fill_scan(call, slot_args, sizes(call), p);
    strides(call.arg[arg::q], p.q_h, p.q_t, p.q_b), strides(call.arg[arg::k], p.k_h, p.k_t, p.k_b);
    strides(call.arg[arg::v], p.v_h, p.v_t, p.v_b), strides(call.arg[arg::g], p.g_h, p.g_t, p.g_b);
    strides(call.arg[arg::out], p.o_h, p.o_t, p.o_b);
    const double scale = call.attr[attr::scale];
    p.scale = float(scale != 0 ? scale : 1 / std::sqrt(double(p.S_k)));
    return p;
}

Cost cost(const Call& call) {
    const ScanSizes s = sizes(call);
    return scan_cost(call, slot_args, s, double(s.H * (3 * s.S_k + 2 * s.S_v)), false);
}

double tolerance(const Call& call, int arg) {
    return scan_tolerance(sizes(call), tokens_of(call, slot_args).T, arg == arg::state_out);
}

Example example(const Dims& dims) {
    const Op& op = find("GATED_LINEAR_ATTENTION");
    const int64_t S = dims.integer("S", 64);
    const ScanSizes s{dims.integer("S_k", S), dims.integer("S_v", S), dims.integer("H", 2)};
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_slots(dims, e, slot_args, s.state());
    const int64_t last = n.packed ? 1 : n.B;
    const Extent keys{s.S_k, s.H, n.N, last}, values{s.S_v, s.H, n.N, last};
    e.put(arg::q, Type::f32, keys, Fill{"normal"}), e.put(arg::k, Type::f32, keys, Fill{"normal"});
    e.put(arg::g, Type::f32, keys, Fill{"decays", dims.word("decays", "mixed")});
    e.put(arg::v, Type::f32, values, Fill{"normal"}), e.put(arg::out, Type::f32, values, Fill{"zero"});
    const std::string layout = dims.word("layout", "packed");
    for (const int x : {arg::q, arg::k, arg::g, arg::v, arg::out}) lay_out(e.arg[size_t(x)], layout);
    e.attr[attr::order] = choice(dims, "order", op.attrs[attr::order]);
    e.attr[attr::scale] = dims.number("scale", 0);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"S=64 H=2 T=5 K=3 B=2 decays=weak", "S_k=16 S_v=48 H=3 T=3 K=4 order=recent_first",
                                "S_k=144 S_v=32 H=1 T=9 K=1 layout=odd", nullptr};

}  // namespace rw::ops::gated_linear_attention
