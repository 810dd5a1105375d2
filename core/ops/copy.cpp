#include "rewind/ops/copy.h"

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::copy {
namespace {

void lay_out_any(Example::Arg& x, const std::string& layout) {
    const Extent& ne = x.ne;
    const int64_t e = size_of(x.type);
    if (layout == "transposed") x.nb = {e * ne[1], e, e * ne[0] * ne[1], e * ne[0] * ne[1] * ne[2]};
    else lay_out_rows(x, layout);
}

}  // namespace

void validate(const Call& call) {
    const Check check("COPY", call);
    const Extent& ne = call.arg[arg::x].ne;
    check.shape(arg::out, "out", {ne[0], ne[1], ne[2], ne[3]}, "the shape of x");
    check.fits(arg::x, "x"), check.fits(arg::out, "out");
    validate_row_count(check, "x", ne);
}

Params params(const Call& call) {
    const Tensor &x = call.arg[arg::x], &out = call.arg[arg::out];
    const auto narrow = [](int64_t v) { return int32_t(v); };
    return {narrow(x.ne[0]),       narrow(x.ne[1]),       narrow(x.ne[2]),       narrow(x.ne[3]),
            narrow(x.stride(0)),   narrow(x.stride(1)),   narrow(x.stride(2)),   narrow(x.stride(3)),
            narrow(out.stride(0)), narrow(out.stride(1)), narrow(out.stride(2)), narrow(out.stride(3)),
            narrow(int(x.type)),   narrow(int(out.type))};
}

Cost cost(const Call& call) {
    const double elements = double(call.arg[arg::x].elements());
    return {elements * (size_of(call.arg[arg::x].type) + size_of(call.arg[arg::out].type)), elements};
}

double tolerance(const Call& call, int) { return call.arg[arg::x].type == Type::f16 ? 1e-12 : 0; }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Extent ne = example_rows(dims);
    const Fill fill = example_values(dims);
    ops::Dims to("");
    to.set("type", dims.word("to", "f32"));
    lay_out_any(e.put(arg::x, example_type(dims), ne, fill), dims.word("layout", "packed"));
    lay_out_any(e.put(arg::out, example_type(to), ne, Fill{"zero"}), dims.word("outlayout", "packed"));
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"n=128 n1=5 n2=3 to=f16", "n=33 n1=7 type=f16 to=bf16 layout=transposed outlayout=odd",
                                "n=31 n1=3 type=bf16 outlayout=transposed", nullptr};

}  // namespace rw::ops::copy
