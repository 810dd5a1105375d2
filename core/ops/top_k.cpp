#include "rewind/ops/top_k.h"

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::top_k {

void validate(const Call& call) {
    const Check check("TOP_K", call);
    const Extent& ne = call.arg[arg::logits].ne;
    const int64_t k = call.arg[arg::ids].ne[0];
    check.rows(arg::logits, "logits"), check.fits(arg::logits, "logits");
    check.that(k <= ne[0], "ids: ", k, " of the ", ne[0], " elements of a row; k is at most those");
    check.supported(k <= RW_TOP_K_MOST, "ids: k = ", k, "; it is at most ", RW_TOP_K_MOST);
    validate_rows(check, call, arg::ids, "ids", {k, ne[1], 1, 1}, "[k, R]");
    validate_rows(check, call, arg::prob, "prob", {k, ne[1], 1, 1}, "[k, R]");
}

Params params(const Call& call) {
    const Tensor &x = call.arg[arg::logits], &ids = call.arg[arg::ids], &prob = call.arg[arg::prob];
    return {int32_t(x.ne[0]), int32_t(ids.ne[0]), int32_t(x.ne[1]), int32_t(x.stride(1)), int32_t(ids.stride(1)),
            int32_t(prob.stride(1))};
}

Cost cost(const Call& call) {
    const double elements = double(call.arg[arg::logits].elements());
    return {4 * elements + 8 * double(call.arg[arg::ids].elements()), 3 * elements};
}

double tolerance(const Call&, int arg) { return arg == arg::prob ? 1e-11 : 0; }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const int64_t V = dims.integer("V", 100), R = dims.integer("R", 1), k = dims.integer("k", 1);
    const std::string layout = dims.word("layout", "packed");
    lay_out_rows(e.put(arg::logits, Type::f32, {V, R, 1, 1}, example_logits(dims, V, R)), layout);
    lay_out_rows(e.put(arg::ids, Type::i32, {k, R, 1, 1}, Fill{"zero"}), layout);
    lay_out_rows(e.put(arg::prob, Type::f32, {k, R, 1, 1}, Fill{"zero"}), layout);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"V=9000 R=2 k=5", "V=100 R=3 k=64 rows=ties", "V=5000 k=1 rows=same layout=odd", nullptr};

}  // namespace rw::ops::top_k
