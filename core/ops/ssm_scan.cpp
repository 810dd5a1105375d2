#include "rewind/ops/ssm_scan.h"

#include "core/ops/scan.h"

namespace rw::ops::ssm_scan {
namespace {

constexpr SlotArgs slot_args{arg::x,   arg::state, arg::state_out, arg::in_slot,
                             arg::seq, arg::first, arg::seq_len,   attr::order,   attr::max_len};

ScanSizes sizes(const Call& call) {
    const Tensor& x = call.arg[arg::x];
    return {call.arg[arg::b].ne[0], x.ne[0], x.ne[1]};
}

/// x, b and c as they lie in the output of the convolution before them: one row [x | b | c] a token.
void lay_out_joint(Example& e) {
    const int parts[] = {arg::x, arg::b, arg::c};
    int64_t row = 0;
    for (const int x : parts) row += e.arg[size_t(x)].ne[0] * e.arg[size_t(x)].ne[1];
    for (const int x : parts) {
        const Extent& ne = e.arg[size_t(x)].ne;
        e.arg[size_t(x)].nb = {4, 4 * ne[0], 4 * row, 4 * row * ne[2]};
    }
}

}  // namespace

void validate(const Call& call) {
    const Check check("SSM_SCAN", call);
    const ScanSizes s = sizes(call);
    const Tokens n = tokens_of(call, slot_args);
    const int64_t n_group = call.arg[arg::b].ne[1], a_width = call.arg[arg::a].ne[0];
    validate_scan_width(check, "b, c: d_state", s.S_k);
    check.supported(s.S_v == 1 || (s.S_v % 4 == 0 && s.S_v <= 128),
                    "x: head_dim is 1 or a multiple of 4 up to 128; got ", s.S_v);
    check.that(s.H % n_group == 0, "b, c: H = ", s.H, " (dimension 1 of x) is not a multiple of n_group = ", n_group,
               " (dimension 1 of b)");
    validate_scan_rows(check, n, {{arg::x, "x", s.S_v, s.H, "[head_dim, H, T, B]"},
                                  {arg::b, "b", s.S_k, n_group, "[d_state, n_group, T, B]"},
                                  {arg::c, "c", s.S_k, n_group, "[d_state, n_group, T, B] like b"},
                                  {arg::out, "out", s.S_v, s.H, "[head_dim, H, T, B] like x"}});
    check.shape(arg::dt, "dt", {s.H, n.packed ? n.N : n.T, n.packed ? 1 : n.B}, "[H, T, B]");
    check.that(a_width == 1 || a_width == s.S_k, "a: dimension 0 is 1 or d_state = ", s.S_k, "; got ", a_width);
    check.shape(arg::a, "a", {a_width, s.H, 1, 1}, "[1 or d_state, H]");
    for (const int x : {arg::dt, arg::a}) {
        check.rows(x, x == arg::dt ? "dt" : "a");
        check.fits(x, x == arg::dt ? "dt" : "a");
    }
    for (const int x : {arg::d, arg::dt_bias}) {
        if (!call.arg[size_t(x)]) continue;
        check.shape(x, x == arg::d ? "d" : "dt_bias", {s.H, 1, 1, 1}, "[H]");
        check.packed(x, x == arg::d ? "d" : "dt_bias", 0);
    }
    validate_slots(check, call, slot_args, s.state(), "[d_state head_dim H, K, P]");
}

Params params(const Call& call) {
    Params p{};
    fill_scan(call, slot_args, sizes(call), p);
    const Tensor &dt = call.arg[arg::dt], &a = call.arg[arg::a];
    p.n_group = int32_t(call.arg[arg::b].ne[1]), p.a_width = int32_t(a.ne[0]);
    p.step = int32_t(call.attr[attr::step]);
    p.has_d = bool(call.arg[arg::d]), p.has_dt_bias = bool(call.arg[arg::dt_bias]);
    strides(call.arg[arg::x], p.x_h, p.x_t, p.x_b), strides(call.arg[arg::out], p.o_h, p.o_t, p.o_b);
    strides(call.arg[arg::b], p.b_g, p.b_t, p.b_b), strides(call.arg[arg::c], p.c_g, p.c_t, p.c_b);
    p.dt_t = int32_t(dt.stride(1)), p.dt_b = int32_t(dt.stride(2)), p.a_h = int32_t(a.stride(1));
    return p;
}

Cost cost(const Call& call) {
    const ScanSizes s = sizes(call);
    return scan_cost(call, slot_args, s, double(s.H * (2 * s.S_v + 1) + 2 * s.S_k * call.arg[arg::b].ne[1]), false);
}

double tolerance(const Call& call, int arg) {
    return scan_tolerance(sizes(call), tokens_of(call, slot_args).T, arg == arg::state_out, 4 * 88);
}

Example example(const Dims& dims) {
    const Op& op = find("SSM_SCAN");
    const ScanSizes s{dims.integer("d_state", 64), dims.integer("head_dim", 64), dims.integer("H", 2)};
    const int64_t n_group = dims.integer("n_group", 1);
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_slots(dims, e, slot_args, s.state());
    const int64_t last = n.packed ? 1 : n.B;
    const std::string a_width = dims.word("a_width", "scalar"), steps = dims.word("steps", "normal");
    if (a_width != "scalar" && a_width != "state")
        throw Error(Status::invalid_argument, "a_width=" + a_width + ": expected scalar or state");
    e.attr[attr::order] = choice(dims, "order", op.attrs[attr::order]);
    e.attr[attr::step] = choice(dims, "step", op.attrs[attr::step]);
    if (steps != "normal" && steps != "wide" && steps != "zero")
        throw Error(Status::invalid_argument, "steps=" + steps + ": expected normal, wide or zero");
    const bool plain = e.attr[attr::step] == RW_STEP_PLAIN;
    const Fill step = steps == "zero"   ? Fill{"zero"}
                      : steps == "wide" ? Fill{"uniform", "", plain ? 0.0 : -110.0, 110}
                                        : plain ? Fill{"uniform", "", 0, 2} : Fill{"normal"};
    e.put(arg::x, Type::f32, {s.S_v, s.H, n.N, last}, Fill{"normal"});
    e.put(arg::dt, Type::f32, {s.H, n.N, last, 1}, step);
    e.put(arg::a, Type::f32, {a_width == "state" ? s.S_k : 1, s.H, 1, 1}, Fill{"gates", dims.word("decays", "mixed")});
    for (const int x : {arg::b, arg::c}) e.put(x, Type::f32, {s.S_k, n_group, n.N, last}, Fill{"normal"});
    e.put(arg::out, Type::f32, {s.S_v, s.H, n.N, last}, Fill{"zero"});
    if (dims.integer("skip", 0)) e.put(arg::d, Type::f32, {s.H, 1, 1, 1}, Fill{"normal"});
    // A step stays positive, or the decay would be a growth that no float can hold.
    const Fill bias = plain ? Fill{"uniform", "", 0, 1} : Fill{"uniform", "", -4, 0};
    if (dims.integer("bias", 0)) e.put(arg::dt_bias, Type::f32, {s.H, 1, 1, 1}, bias);
    const std::string layout = dims.word("layout", "packed");
    if (layout == "joint")
        lay_out_joint(e);
    else
        for (const int x : {arg::x, arg::b, arg::c, arg::out}) lay_out(e.arg[size_t(x)], layout);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"d_state=128 head_dim=64 H=4 n_group=2 T=5 K=3 B=2 decays=weak skip=1 bias=1",
                                "d_state=16 head_dim=1 H=9 n_group=3 T=4 K=2 a_width=state order=recent_first",
                                "d_state=48 head_dim=20 H=2 T=3 K=4 layout=odd step=plain", nullptr};

}  // namespace rw::ops::ssm_scan
