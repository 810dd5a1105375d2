#include "rewind/ops/l2_norm.h"

#include <cmath>

#include "core/ops/norm.h"
#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::l2_norm {

void validate(const Call& call) {
    const Check check("L2_NORM", call);
    const Extent& ne = call.arg[arg::x].ne;
    validate_rows(check, call, arg::x, "x", ne, "[n, n1, n2, n3]");
    validate_rows(check, call, arg::out, "out", ne, "the shape of x");
    validate_row_count(check, "x", ne);
    const double eps = call.attr[attr::eps];
    check.that(std::isfinite(eps) && eps >= 0, "eps: has to be finite and >= 0");
}

Params params(const Call& call) {
    const Tensor &x = call.arg[arg::x], &out = call.arg[arg::out];
    const auto narrow = [](int64_t v) { return int32_t(v); };
    return {narrow(x.ne[0]),        narrow(x.ne[1]),        narrow(x.ne[2]),        narrow(x.ne[3]),
            narrow(x.stride(1)),    narrow(x.stride(2)),    narrow(x.stride(3)),    narrow(out.stride(1)),
            narrow(out.stride(2)),  narrow(out.stride(3)),  used_norm(call.attr[attr::eps])};
}

Cost cost(const Call& call) {
    const double elements = double(call.arg[arg::x].elements());
    return {8 * elements, 3 * elements};
}

double tolerance(const Call&, int) { return 1e-12; }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Extent ne = example_rows(dims);
    const std::string rows = dims.word("rows", "normal"), layout = dims.word("layout", "packed");
    const Fill fill = rows == "normal" ? Fill{"normal"} : rows == "keys" ? Fill{"keys", "mixed"} : Fill{"states", rows};
    Example::Arg& x = e.put(arg::x, Type::f32, ne, fill);
    lay_out_rows(x, layout);
    e.put(arg::out, Type::f32, ne, Fill{"zero"});
    e.attr[attr::eps] = dims.number("eps", 1e-6);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"n=128 n1=5 n2=4 n3=3", "n=67 n1=3 n2=2 layout=odd eps=0.1", "n=1000 n1=2 n2=3 layout=permuted",
                                nullptr};

}  // namespace rw::ops::l2_norm
