#include "rewind/ops/rms_norm.h"

#include <cmath>

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::rms_norm {

void validate(const Call& call) {
    const Check check("RMS_NORM", call);
    const Extent& ne = call.arg[arg::x].ne;
    validate_rows(check, call, arg::x, "x", ne, "[n, n1, n2, n3]");
    validate_rows(check, call, arg::residual, "residual", ne, "the shape of x");
    validate_rows(check, call, arg::gate, "gate", ne, "the shape of x");
    validate_rows(check, call, arg::out, "out", ne, "the shape of x");
    validate_rows(check, call, arg::sum, "sum", ne, "the shape of x");
    validate_row_count(check, "x", ne);
    check.that(!call.arg[arg::sum] || call.arg[arg::residual], "sum: is that of x and residual; give residual, or no sum");
    if (call.arg[arg::weight]) {
        check.shape(arg::weight, "weight", {ne[0], 1, 1, 1}, "[n]");
        check.packed(arg::weight, "weight", 0);
    }
    const double eps = call.attr[attr::eps];
    check.that(std::isfinite(float(eps)) && eps >= 0, "eps: has to be finite and >= 0");
}

Params params(const Call& call) {
    const Extent& ne = call.arg[arg::x].ne;
    const RowStrides x = row_strides(call.arg[arg::x]), r = row_strides(call.arg[arg::residual]),
                     g = row_strides(call.arg[arg::gate]), o = row_strides(call.arg[arg::out]),
                     s = row_strides(call.arg[arg::sum]);
    return {int32_t(ne[0]), int32_t(ne[1]), int32_t(ne[2]), int32_t(ne[3]), x.s1, x.s2, x.s3, r.s1, r.s2, r.s3,
            g.s1, g.s2, g.s3, o.s1, o.s2, o.s3, s.s1, s.s2, s.s3, float(call.attr[attr::eps])};
}

Cost cost(const Call& call) {
    const double elements = double(call.arg[arg::x].elements());
    double tensors = 0;
    for (const int i : {arg::x, arg::residual, arg::gate, arg::out, arg::sum}) tensors += call.arg[i] ? 1 : 0;
    const bool weight = bool(call.arg[arg::weight]);
    return {4 * (elements * tensors + (weight ? double(call.arg[arg::x].ne[0]) : 0)), (tensors + weight + 1) * elements};
}

double tolerance(const Call&, int arg) { return arg == arg::sum ? 1e-13 : 1e-12; }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Extent ne = example_rows(dims);
    const std::string rows = dims.word("rows", "normal"), layout = dims.word("layout", "packed");
    const Fill fill = rows == "normal" ? Fill{"normal"} : rows == "keys" ? Fill{"keys", "mixed"} : Fill{"states", rows};
    const bool residual = dims.integer("residual", 0), alias = dims.integer("alias", 0);
    lay_out_rows(e.put(arg::x, Type::f32, ne, fill), layout);
    if (residual) e.put(arg::residual, Type::f32, ne, fill);
    if (dims.integer("weight", 0)) e.put(arg::weight, Type::f32, {ne[0], 1, 1, 1}, Fill{"normal"});
    if (dims.integer("gate", 0)) lay_out_rows(e.put(arg::gate, Type::f32, ne, Fill{"uniform", "", -6, 6}), layout);
    e.put(arg::out, Type::f32, ne, Fill{"zero"});
    if (dims.integer("sum", residual)) e.put(arg::sum, Type::f32, ne, Fill{"zero"});
    e.attr[attr::eps] = dims.number("eps", 1e-6);
    stretch(dims, e);
    if (!alias) return e;
    e.arg[arg::out].alias = arg::x, e.arg[arg::out].nb = e.arg[arg::x].nb;
    if (e.arg[arg::sum].present) e.arg[arg::sum].alias = arg::residual, e.arg[arg::sum].nb = e.arg[arg::residual].nb;
    return e;
}

const char* const selftest[] = {"n=128 n1=5 n2=4 weight=1 gate=1", "n=1030 n1=3 residual=1 weight=1 layout=odd",
                                "n=2048 n1=3 residual=1 weight=1 alias=1", "n=67 n1=3 n2=2 layout=odd eps=0.1", nullptr};

}  // namespace rw::ops::rms_norm
