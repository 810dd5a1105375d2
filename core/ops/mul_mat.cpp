#include "rewind/ops/mul_mat.h"

#include "core/ops/slots.h"

namespace rw::ops::mul_mat {

void validate(const Call& call) {
    const Check check("MUL_MAT", call);
    const int64_t K = call.arg[arg::w].ne[0], N = call.arg[arg::w].ne[1], R = call.arg[arg::x].ne[1];
    check.rows(arg::w, "w"), check.fits(arg::w, "w");
    check.shape(arg::x, "x", {K, R}, "[K, R]"), check.rows(arg::x, "x"), check.fits(arg::x, "x");
    check.shape(arg::out, "out", {N, R}, "[N, R]"), check.rows(arg::out, "out"), check.fits(arg::out, "out");
    if (!call.arg[arg::add]) return;
    check.shape(arg::add, "add", {N, R}, "[N, R]"), check.rows(arg::add, "add"), check.fits(arg::add, "add");
}

Params params(const Call& call) {
    const Tensor &w = call.arg[arg::w], &x = call.arg[arg::x], &add = call.arg[arg::add], &out = call.arg[arg::out];
    const auto narrow = [](int64_t v) { return int32_t(v); };
    return {narrow(w.ne[0]),     narrow(w.ne[1]),     narrow(x.ne[1]),      int32_t(w.type), narrow(w.stride(1)),
            narrow(x.stride(1)), narrow(out.stride(1)), narrow(add.stride(1)), add ? 1 : 0,
            int32_t(call.attr[attr::path])};
}

Cost cost(const Call& call) {
    const Tensor &w = call.arg[arg::w], &x = call.arg[arg::x], &out = call.arg[arg::out];
    const double weights = double(w.steps(0)) * double(w.ne[1]) * size_of(w.type);
    const double outputs = double(out.elements()) * (call.arg[arg::add] ? 2 : 1);
    return {weights + 4 * (double(x.elements()) + outputs), 2 * double(w.elements()) * double(x.ne[1])};
}

double tolerance(const Call& call, int) { return 2e-13 + 1e-14 * double(call.arg[arg::w].ne[0]); }

Example example(const Dims& dims) {
    const Op& op = find("MUL_MAT");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const int64_t K = dims.integer("K", 64), N = dims.integer("N", 8), R = dims.integer("R", 1);
    const Type type = type_named(dims.word("type", "f32"));
    e.attr[attr::path] = choice(dims, "path", op.attrs[attr::path]);
    const std::string layout = dims.word("layout", "packed"), add = dims.word("add", "none"),
                      rows = dims.word("rows", "normal");
    if (rows != "normal" && rows != "positive")
        throw Error(Status::invalid_argument, "rows=" + rows + ": expected normal or positive");
    e.put(arg::w, type, {K, N, 1, 1}, Fill{"normal"});
    e.put(arg::x, Type::f32, {K, R, 1, 1}, rows == "normal" ? Fill{"normal"} : Fill{"uniform", "", 0, 1});
    e.put(arg::out, Type::f32, {N, R, 1, 1}, Fill{"zero"});
    if (add == "apart" || add == "over") {
        e.put(arg::add, Type::f32, {N, R, 1, 1}, Fill{"normal"});
        if (add == "over") e.arg[arg::out].alias = arg::add;
    } else if (add != "none") {
        throw Error(Status::invalid_argument, "add=" + add + ": expected none, apart or over");
    }
    if (layout == "padded" || layout == "odd") {
        for (Example::Arg& a : e.arg) {
            if (!a.present) continue;
            const int64_t gap = layout == "odd" ? 1 : 16 / info(a.type).align;
            a.nb = contiguous(a.type, a.ne);
            for (int d = 1; d < 4; ++d) a.nb[size_t(d)] += gap * int64_t(size_of(a.type)) * (d == 1 ? 1 : a.ne[1]);
        }
    } else if (layout != "packed") {
        throw Error(Status::invalid_argument, "layout=" + layout + ": expected packed, padded or odd");
    }
    return e;
}

const char* const selftest[] = {"K=512 N=37 R=5 type=q4_k add=apart", "K=224 N=19 R=3 type=q8_0 layout=odd",
                                "K=67 N=9 R=2 type=f16",
                                // for what takes prompts alone
                                "K=512 N=37 R=64 type=q4_k add=apart path=prefill",
                                "K=67 N=19 R=50 layout=odd path=prefill", nullptr};

}  // namespace rw::ops::mul_mat
