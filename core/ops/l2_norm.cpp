#include "rewind/ops/l2_norm.h"

#include <cmath>

#include "core/ops/norm.h"
#include "core/ops/slots.h"

namespace rw::ops::l2_norm {

void validate(const Call& call) {
    const Check check("L2_NORM", call);
    const Extent& ne = call.arg[arg::x].ne;
    check.shape(arg::out, "out", {ne[0], ne[1], ne[2], ne[3]}, "the shape of x");
    check.rows(arg::x, "x"), check.fits(arg::x, "x");
    check.rows(arg::out, "out"), check.fits(arg::out, "out");
    check.supported(ne[1] * ne[2] <= INT32_MAX / ne[3], "x: more than 2^31 - 1 rows");
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
    const Extent ne{dims.integer("n", 64), dims.integer("n1", 1), dims.integer("n2", 1), dims.integer("n3", 1)};
    const std::string rows = dims.word("rows", "normal"), layout = dims.word("layout", "packed");
    const Fill fill = rows == "normal" ? Fill{"normal"} : rows == "keys" ? Fill{"keys", "mixed"} : Fill{"states", rows};
    Example::Arg& x = e.put(arg::x, Type::f32, ne, fill);
    const int64_t wide = layout == "padded" ? ne[0] + 16 : layout == "odd" ? ne[0] + 1 : ne[0];
    if (layout == "permuted")  // dimensions 1 and 2 swapped in memory
        x.nb = {4, 4 * ne[0] * ne[2], 4 * ne[0], 4 * ne[0] * ne[1] * ne[2]};
    else if (layout == "swapped")  // dimensions 1 and 3 swapped in memory
        x.nb = {4, 4 * ne[0] * ne[2] * ne[3], 4 * ne[0] * ne[3], 4 * ne[0]};
    else if (layout == "padded" || layout == "odd")  // a view of something wider in every dimension
        x.nb = {4, 4 * wide, 4 * wide * (ne[1] + 1), 4 * wide * (ne[1] + 1) * (ne[2] + 1)};
    else if (layout != "packed")
        throw Error(Status::invalid_argument, "layout=" + layout + ": expected packed, padded, odd, permuted or swapped");
    e.put(arg::out, Type::f32, ne, Fill{"zero"});
    e.attr[attr::eps] = dims.number("eps", 1e-6);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"n=128 n1=5 n2=4 n3=3", "n=67 n1=3 n2=2 layout=odd eps=0.1", "n=1000 n1=2 n2=3 layout=permuted",
                                nullptr};

}  // namespace rw::ops::l2_norm
