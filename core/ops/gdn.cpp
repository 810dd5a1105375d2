#include "core/ops/gdn.h"

namespace rw::ops {

void validate_gdn(const Check& check, const Call& call, const GdnArgs& at, const Tokens& n) {
    const Tensor &q = call.arg[at.q], &k = call.arg[at.k], &v = call.arg[at.v], &g = call.arg[at.g];
    const int64_t S_k = q.ne[0], H_k = q.ne[1], S_v = v.ne[0], H_v = v.ne[1], rows = n.packed ? n.N : n.T;
    const int64_t last = n.packed ? 1 : n.B;
    for (int64_t S : {S_k, S_v})
        check.supported(S == 16 || S == 32 || S == 64 || S == 128 || S == 256,
                        "q, k, v: head sizes are 16, 32, 64, 128 or 256; got ", S);
    check.that(H_v % H_k == 0, "v: H_v = ", H_v, " is not a multiple of H_k = ", H_k, " (dimension 1 of q and k)");
    check.shape(at.q, "q", {S_k, H_k, rows, -1}, "[S_k, H_k, T, B]");
    check.shape(at.k, "k", {S_k, H_k, rows, -1}, "[S_k, H_k, T, B] like q");
    check.shape(at.v, "v", {S_v, H_v, rows, last}, "[S_v, H_v, T, B]");
    check.that(g.ne[0] == 1 || g.ne[0] == S_k, "g: dimension 0 is 1 (scalar gate) or S_k = ", S_k,
               " (per-channel gate); got ", g.ne[0]);
    check.shape(at.g, "g", {g.ne[0], H_v, rows, last}, "[1 or S_k, H_v, T, B]");
    check.shape(at.beta, "beta", {1, H_v, rows, last}, "[1, H_v, T, B]");
    check.shape(at.out, "out", {S_v, H_v, rows, last}, "[S_v, H_v, T, B] like v");
    check.that(k.type == q.type && v.type == q.type, "q, k, v: one type for all three; got ", name_of(q.type), ", ",
               name_of(k.type), ", ", name_of(v.type));
    check.that(n.B % q.ne[3] == 0 && n.B % k.ne[3] == 0 && (!n.packed || (q.ne[3] == 1 && k.ne[3] == 1)),
               "q, k: B = ", n.B, " is not a multiple of their own dimension 3 (broadcast)");
    const bool raw = call.attr[at.raw_gates] != 0;
    check.that(raw == bool(call.arg[at.dt_bias]) && raw == bool(call.arg[at.a]),
               "dt_bias, a: both are given with raw_gates = 1 and neither without");
    if (raw) {
        check.shape(at.dt_bias, "dt_bias", {g.ne[0], H_v, 1, 1}, "[1 or S_k like g, H_v]");
        check.shape(at.a, "a", {H_v, 1, 1, 1}, "[H_v]");
        check.rows(at.dt_bias, "dt_bias"), check.packed(at.a, "a", 0);
    }
    const double scale = call.attr[at.scale], eps = call.attr[at.l2norm_eps];
    check.that(std::isfinite(scale), "scale: has to be finite");
    check.that(std::isfinite(eps) && eps >= 0, "l2norm_eps: has to be finite and >= 0");
    static constexpr const char* names[] = {"q", "k", "v", "g", "beta", "out"};
    const int args[] = {at.q, at.k, at.v, at.g, at.beta, at.out};
    for (int i = 0; i < 6; ++i) check.rows(args[i], names[i]), check.fits(args[i], names[i]);
}

Cost cost_gdn(const Call& call, const GdnArgs& at, int64_t tokens) {
    const Tensor &q = call.arg[at.q], &v = call.arg[at.v], &g = call.arg[at.g];
    const double S_k = double(q.ne[0]), S_v = double(v.ne[0]), H_v = double(v.ne[1]), element = size_of(q.type);
    Cost cost;
    cost.bytes = tokens * (2 * S_k * q.ne[1] * element + S_v * H_v * (element + 4) + H_v * (4.0 * g.ne[0] + 4));
    cost.flops = tokens * H_v * 7 * S_k * S_v;
    return cost;
}

GdnSizes example_gdn_sizes(const Dims& dims) {
    GdnSizes s{};
    s.S_k = dims.integer("S_k", dims.integer("S", 64)), s.S_v = dims.integer("S_v", dims.integer("S", 64));
    s.H_k = dims.integer("H_k", 2), s.H_v = dims.integer("H_v", s.H_k);
    const std::string gate = dims.word("gate", "scalar");
    if (gate != "scalar" && gate != "channel")
        throw Error(Status::invalid_argument, "gate=" + gate + ": expected scalar or channel");
    s.gate = gate == "channel" ? s.S_k : 1;
    return s;
}

void example_gdn(const Dims& dims, Example& example, const GdnArgs& at, const Tokens& n, const Op& op) {
    const GdnSizes s = example_gdn_sizes(dims);
    const Type type = example_type(dims);
    const int64_t last = n.packed ? 1 : n.B, Bq = dims.integer("Bq", last);
    const double eps = dims.number("l2norm", 0);
    const bool raw = dims.integer("raw", 0) != 0;
    const Fill keys{eps > 0 && !dims.has("keys") ? "normal" : "keys", dims.word("keys", "iid")};
    Example::Arg* rows[] = {
        &example.put(at.q, type, {s.S_k, s.H_k, n.N, Bq}, eps > 0 ? Fill{"normal"} : Fill{"unit_rows"}),
        &example.put(at.k, type, {s.S_k, s.H_k, n.N, Bq}, keys),
        &example.put(at.v, type, {s.S_v, s.H_v, n.N, last}, Fill{"normal"})};
    const std::string layout = dims.word("layout", "packed");
    for (Example::Arg* x : rows) lay_out(*x, layout);
    const std::string gates = dims.word("gates", "mixed"), betas = dims.word("betas", "mixed");
    example.put(at.g, Type::f32, {s.gate, s.H_v, n.N, last}, raw ? Fill{"normal"} : Fill{"gates", gates});
    example.put(at.beta, Type::f32, {1, s.H_v, n.N, last}, raw ? Fill{"normal"} : Fill{"betas", betas});
    example.put(at.out, Type::f32, {s.S_v, s.H_v, n.N, last}, Fill{"zero"});
    if (raw) {
        example.put(at.dt_bias, Type::f32, {s.gate, s.H_v, 1, 1}, Fill{"uniform", "", -2, 1});
        example.put(at.a, Type::f32, {s.H_v, 1, 1, 1}, Fill{"uniform", "", -1.5, -0.01});
    }
    example.attr[at.path] = choice(dims, "path", op.attrs[at.path]);
    example.attr[at.heads] = choice(dims, "heads", op.attrs[at.heads]);
    example.attr[at.scale] = dims.number("scale", 0);
    example.attr[at.l2norm_eps] = eps;
    example.attr[at.raw_gates] = raw;
}

}  // namespace rw::ops
