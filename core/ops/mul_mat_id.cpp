#include "rewind/ops/mul_mat_id.h"

#include <algorithm>

#include "core/ops/rows.h"

namespace rw::ops::mul_mat_id {

void validate(const Call& call) {
    const Check check("MUL_MAT_ID", call);
    const Extent &w = call.arg[arg::w].ne, &x = call.arg[arg::x].ne, &ids = call.arg[arg::ids].ne;
    const int64_t U = ids[0], R = ids[1], N = w[1];
    const bool weight = bool(call.arg[arg::weight]);
    check.rows(arg::w, "w"), check.fits(arg::w, "w");
    check.that(x[1] == 1 || x[1] == U, "x: dimension 1 has ", x[1], " rows of a token; expected 1 or the ", U, " of ids");
    validate_rows(check, call, arg::x, "x", {w[0], x[1], R, 1}, "[K, U or 1, R]");
    check.rows(arg::ids, "ids"), check.fits(arg::ids, "ids");
    validate_rows(check, call, arg::weight, "weight", {U, R, 1, 1}, "[U, R]");
    check.that(weight || !call.arg[arg::add], "add: is added to a sum with weights; give weight, or no add");
    validate_rows(check, call, arg::add, "add", {N, 1, R, 1}, "[N, 1, R]");
    validate_rows(check, call, arg::out, "out", {N, weight ? 1 : U, R, 1},
                  weight ? "[N, 1, R] with weight" : "[N, U, R] without weight");
    check.supported(U <= INT32_MAX / R, "ids: more than 2^31 - 1 rows");
}

Params params(const Call& call) {
    const Tensor &w = call.arg[arg::w], &x = call.arg[arg::x], &ids = call.arg[arg::ids], &out = call.arg[arg::out];
    const Tensor &weight = call.arg[arg::weight], &add = call.arg[arg::add];
    const auto narrow = [](int64_t v) { return int32_t(v); };
    return {narrow(w.ne[0]),     narrow(w.ne[1]),      narrow(w.ne[2]),     narrow(ids.ne[0]),
            narrow(ids.ne[1]),   int32_t(w.type),      narrow(w.stride(1)), narrow(w.stride(2)),
            x.ne[1] == 1 ? 0 : narrow(x.stride(1)),    narrow(x.stride(2)), narrow(out.stride(1)),
            narrow(out.stride(2)), narrow(add.stride(2)), narrow(ids.stride(1)), narrow(weight.stride(1)),
            weight ? 1 : 0,      add ? 1 : 0};
}

Cost cost(const Call& call) {
    const Tensor &w = call.arg[arg::w], &x = call.arg[arg::x], &out = call.arg[arg::out];
    const double pairs = double(call.arg[arg::ids].elements()), experts = std::min(pairs, double(w.ne[2]));
    const double weights = experts * double(w.steps(0)) * double(w.ne[1]) * size_of(w.type);
    const double outputs = double(out.elements()) * (call.arg[arg::add] ? 2 : 1);
    return {weights + 4 * (double(x.elements()) + outputs), 2 * double(w.ne[0]) * double(w.ne[1]) * pairs};
}

double tolerance(const Call& call, int) { return 3e-13 + 1e-14 * double(call.arg[arg::w].ne[0]); }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const int64_t K = dims.integer("K", 64), N = dims.integer("N", 8), E = dims.integer("E", 4);
    const int64_t U = dims.integer("U", 2), R = dims.integer("R", 1);
    const bool weight = dims.integer("weight", 0);
    const std::string layout = dims.word("layout", "packed"), add = dims.word("add", "none"), x = dims.word("x", "each");
    if (x != "each" && x != "shared") throw Error(Status::invalid_argument, "x=" + x + ": expected each or shared");
    Fill ids{"list"};
    ids.values = dims.list("ids");
    if (ids.values.empty())
        for (int64_t i = 0; i < U * R; ++i) ids.values.push_back((i * 7 + i / U * 3 + 1) % E);
    e.put(arg::w, type_named(dims.word("type", "f32")), {K, N, E, 1}, Fill{"normal"});
    e.put(arg::x, Type::f32, {K, x == "each" ? U : 1, R, 1}, Fill{"normal"});
    e.put(arg::ids, Type::i32, {U, R, 1, 1}, ids);
    if (weight) e.put(arg::weight, Type::f32, {U, R, 1, 1}, Fill{"uniform", "", 0, 1});
    e.put(arg::out, Type::f32, {N, weight ? 1 : U, R, 1}, Fill{"zero"});
    if (add == "apart" || add == "over") {
        e.put(arg::add, Type::f32, {N, 1, R, 1}, Fill{"normal"});
        if (add == "over") e.arg[arg::out].alias = arg::add;
    } else if (add != "none") {
        throw Error(Status::invalid_argument, "add=" + add + ": expected none, apart or over");
    }
    if (layout == "packed") return e;
    if (layout != "padded" && layout != "odd")
        throw Error(Status::invalid_argument, "layout=" + layout + ": expected packed, padded or odd");
    for (Example::Arg& a : e.arg) {
        if (!a.present) continue;
        const int64_t gap = layout == "odd" ? 1 : 16 / info(a.type).align, bytes = size_of(a.type);
        a.nb = contiguous(a.type, a.ne);
        a.nb[1] += gap * bytes;
        for (size_t d = 2; d < 4; ++d) a.nb[d] = a.nb[d - 1] * a.ne[d - 1] + gap * bytes;
    }
    return e;
}

const char* const selftest[] = {"K=512 N=37 U=3 R=5 type=q4_k weight=1 add=apart", "K=224 N=19 R=3 type=q8_0 layout=odd",
                                "K=67 N=9 R=2 type=f16 x=shared", nullptr};

}  // namespace rw::ops::mul_mat_id
