#include "rewind/ops/swiglu.h"

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::swiglu {

void validate(const Call& call) {
    const Check check("SWIGLU", call);
    const Extent& ne = call.arg[arg::out].ne;
    const bool up = bool(call.arg[arg::up]);
    validate_rows(check, call, arg::out, "out", ne, "[n, n1, n2, n3]");
    validate_rows(check, call, arg::up, "up", ne, "the shape of out");
    const bool one = up && call.arg[arg::gate].ne[0] == 1;
    validate_rows(check, call, arg::gate, "gate", {one ? 1 : up ? ne[0] : 2 * ne[0], ne[1], ne[2], ne[3]},
                  up ? "the shape of out, or one element a row" : "[2 n, n1, n2, n3]: gate and up, as up is absent");
    validate_row_count(check, "out", ne);
}

Params params(const Call& call) {
    const Tensor &gate = call.arg[arg::gate], &out = call.arg[arg::out];
    const bool up = bool(call.arg[arg::up]);
    const RowStrides g = row_strides(gate), u = row_strides(up ? call.arg[arg::up] : gate), o = row_strides(out);
    return {int32_t(out.ne[0]), int32_t(out.ne[1]), int32_t(out.ne[2]), int32_t(out.ne[3]), g.s1, g.s2, g.s3, u.s1, u.s2,
            u.s3, o.s1, o.s2, o.s3, up && gate.ne[0] == 1, !up, int32_t(call.attr[attr::activation])};
}

Cost cost(const Call& call) {
    const double out = double(call.arg[arg::out].elements()), gate = double(call.arg[arg::gate].elements());
    return {4 * (gate + (call.arg[arg::up] ? 2 : 1) * out), 5 * out};
}

double tolerance(const Call&, int) { return 1e-12; }

Example example(const Dims& dims) {
    const Op& op = find("SWIGLU");
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    Extent ne = example_rows(dims), gate = ne;
    const std::string form = dims.word("gate", "full"), rows = dims.word("rows", "normal");
    const std::string layout = dims.word("layout", "packed");
    if (form == "one") gate[0] = 1;
    else if (form == "halves") gate[0] = 2 * ne[0];
    else if (form != "full") throw Error(Status::invalid_argument, "gate=" + form + ": expected full, one or halves");
    const Fill fill = rows == "normal" ? Fill{"normal"} : Fill{"states", rows == "wide" ? "normal" : rows};
    lay_out_rows(e.put(arg::gate, Type::f32, gate, rows == "wide" ? Fill{"uniform", "", -100, 100} : fill), layout);
    if (form != "halves") lay_out_rows(e.put(arg::up, Type::f32, ne, fill), layout);
    e.put(arg::out, Type::f32, ne, Fill{"zero"});
    e.attr[attr::activation] = choice(dims, "activation", op.attrs[attr::activation]);
    stretch(dims, e);
    if (dims.integer("alias", 0) && form != "halves")
        e.arg[arg::out].alias = arg::up, e.arg[arg::out].nb = e.arg[arg::up].nb;
    return e;
}

const char* const selftest[] = {"n=128 n1=5 n2=4 rows=wide", "n=67 n1=3 gate=halves layout=odd",
                                "n=96 n1=4 gate=one activation=sigmoid alias=1", nullptr};

}  // namespace rw::ops::swiglu
