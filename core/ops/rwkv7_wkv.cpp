#include "rewind/ops/rwkv7_wkv.h"

#include "core/ops/scan.h"

namespace rw::ops::rwkv7_wkv {
namespace {

constexpr SlotArgs slot_args{arg::v,   arg::state, arg::state_out, arg::in_slot,
                             arg::seq, arg::first, arg::seq_len,   attr::order,   attr::max_len};

ScanSizes sizes(const Call& call) {
    const Tensor& v = call.arg[arg::v];
    return {v.ne[0], v.ne[0], v.ne[1]};
}

/// a and b. paired: a is a unit vector and b takes a share of what it reads out again, as in the model, so that states
/// do not grow. free: two unit vectors that have nothing to do with each other. none: b is zero.
void put_removal(Example& e, const Extent& ne, const std::string& style) {
    if (style != "paired" && style != "free" && style != "none")
        throw Error(Status::invalid_argument, "removal=" + style + ": expected paired, free or none");
    e.put(arg::a, Type::f32, ne, Fill{"unit_rows"});
    Fill b{style == "paired" ? "removal" : style == "free" ? "unit_rows" : "zero"};
    b.values = {arg::a};
    e.put(arg::b, Type::f32, ne, b);
}

}  // namespace

void validate(const Call& call) {
    const Check check("RWKV7_WKV", call);
    const ScanSizes s = sizes(call);
    validate_scan_width(check, "r, w, k, v, a, b: S", s.S_k);
    static constexpr const char* spelled = "[S, H, T, B] like v";
    validate_scan_rows(check, tokens_of(call, slot_args),
                       {{arg::v, "v", s.S_v, s.H, "[S, H, T, B]"}, {arg::r, "r", s.S_k, s.H, spelled},
                        {arg::w, "w", s.S_k, s.H, spelled}, {arg::k, "k", s.S_k, s.H, spelled},
                        {arg::a, "a", s.S_k, s.H, spelled}, {arg::b, "b", s.S_k, s.H, spelled},
                        {arg::out, "out", s.S_v, s.H, spelled}});
    validate_slots(check, call, slot_args, s.state(), "[S S H, K, P]");
}

Params params(const Call& call) {
    Params p{};
    fill_scan(call, slot_args, sizes(call), p);
    strides(call.arg[arg::r], p.r_h, p.r_t, p.r_b), strides(call.arg[arg::w], p.w_h, p.w_t, p.w_b);
    strides(call.arg[arg::k], p.k_h, p.k_t, p.k_b), strides(call.arg[arg::v], p.v_h, p.v_t, p.v_b);
    strides(call.arg[arg::a], p.a_h, p.a_t, p.a_b), strides(call.arg[arg::b], p.b_h, p.b_t, p.b_b);
    strides(call.arg[arg::out], p.o_h, p.o_t, p.o_b);
    return p;
}

Cost cost(const Call& call) {
    const ScanSizes s = sizes(call);
    return scan_cost(call, slot_args, s, double(7 * s.H * s.S_k), true);
}

double tolerance(const Call& call, int arg) {
    return scan_tolerance(sizes(call), tokens_of(call, slot_args).T, arg == arg::state_out);
}

Example example(const Dims& dims) {
    const Op& op = find("RWKV7_WKV");
    const int64_t S = dims.integer("S", 64), H = dims.integer("H", 2);
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_slots(dims, e, slot_args, S * S * H);
    const Extent ne{S, H, n.N, n.packed ? 1 : n.B};
    for (const int x : {arg::r, arg::k, arg::v}) e.put(x, Type::f32, ne, Fill{"normal"});
    e.put(arg::w, Type::f32, ne, Fill{"decays", dims.word("decays", "mixed")});
    put_removal(e, ne, dims.word("removal", "paired"));
    e.put(arg::out, Type::f32, ne, Fill{"zero"});
    const std::string layout = dims.word("layout", "packed");
    for (const int x : {arg::r, arg::w, arg::k, arg::v, arg::a, arg::b, arg::out}) lay_out(e.arg[size_t(x)], layout);
    e.attr[attr::order] = choice(dims, "order", op.attrs[attr::order]);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"S=64 H=2 T=5 K=3 B=2 decays=weak", "S=16 H=3 T=3 K=4 order=recent_first",
                                "S=144 H=1 T=9 K=1 layout=odd", nullptr};

}  // namespace rw::ops::rwkv7_wkv
