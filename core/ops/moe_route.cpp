#include "rewind/ops/moe_route.h"

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::moe_route {

void validate(const Call& call) {
    const Check check("MOE_ROUTE", call);
    const Extent& ne = call.arg[arg::logits].ne;
    const int64_t U = call.arg[arg::ids].ne[0];
    check.rows(arg::logits, "logits"), check.fits(arg::logits, "logits");
    check.supported(ne[0] <= RW_MOE_ROUTE_MOST_EXPERTS, "logits: ", ne[0], " experts; there are at most ",
                    RW_MOE_ROUTE_MOST_EXPERTS);
    check.that(U <= ne[0], "ids: ", U, " of ", ne[0], " experts; a token goes to each at most once");
    check.supported(U <= RW_MOE_ROUTE_MOST, "ids: ", U, " experts of a token; there are at most ", RW_MOE_ROUTE_MOST);
    validate_rows(check, call, arg::ids, "ids", {U, ne[1], 1, 1}, "[U, R]");
    validate_rows(check, call, arg::weight, "weight", {U, ne[1], 1, 1}, "[U, R]");
}

Params params(const Call& call) {
    const Tensor &x = call.arg[arg::logits], &ids = call.arg[arg::ids], &weight = call.arg[arg::weight];
    return {int32_t(x.ne[0]), int32_t(ids.ne[0]), int32_t(x.ne[1]), int32_t(x.stride(1)), int32_t(ids.stride(1)),
            int32_t(weight.stride(1))};
}

Cost cost(const Call& call) {
    const double elements = double(call.arg[arg::logits].elements());
    return {4 * elements + 8 * double(call.arg[arg::ids].elements()), 3 * elements};
}

double tolerance(const Call&, int arg) { return arg == arg::weight ? 1e-11 : 0; }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const int64_t E = dims.integer("E", 32), R = dims.integer("R", 1), U = dims.integer("U", 4);
    const std::string layout = dims.word("layout", "packed");
    lay_out_rows(e.put(arg::logits, Type::f32, {E, R, 1, 1}, example_logits(dims, E, R)), layout);
    lay_out_rows(e.put(arg::ids, Type::i32, {U, R, 1, 1}, Fill{"zero"}), layout);
    lay_out_rows(e.put(arg::weight, Type::f32, {U, R, 1, 1}, Fill{"zero"}), layout);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"E=256 U=8 R=5", "E=60 U=4 R=3 rows=ties layout=odd", nullptr};

}  // namespace rw::ops::moe_route
