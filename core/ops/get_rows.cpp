#include "rewind/ops/get_rows.h"

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::get_rows {

void validate(const Call& call) {
    const Check check("GET_ROWS", call);
    const int64_t n = call.arg[arg::table].ne[0], N = call.arg[arg::ids].ne[0];
    check.rows(arg::table, "table"), check.fits(arg::table, "table");
    check.packed(arg::ids, "ids", 0);
    validate_rows(check, call, arg::out, "out", {n, N, 1, 1}, "[n, N]");
}

Params params(const Call& call) {
    const Tensor &table = call.arg[arg::table], &out = call.arg[arg::out];
    return {int32_t(table.ne[0]), int32_t(table.ne[1]), int32_t(out.ne[1]), int32_t(table.stride(1)),
            int32_t(out.stride(1)), int32_t(table.type)};
}

Cost cost(const Call& call) {
    const double elements = double(call.arg[arg::out].elements());
    const TypeInfo& type = info(call.arg[arg::table].type);
    return {elements * (4 + double(type.bytes) / type.block), elements};
}

double tolerance(const Call& call, int) {
    const Type type = call.arg[arg::table].type;
    return is_quantised(type) ? 1e-13 : type == Type::f16 ? 1e-12 : 0;
}

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const int64_t n = dims.integer("n", 64), R = dims.integer("R", 16);
    Fill ids{"list"};
    ids.values = dims.list("ids");
    if (ids.values.empty())
        for (int64_t i = 0; i < dims.integer("N", 4); ++i) ids.values.push_back((i * 37 + 5) % R);
    const Type type = type_named(dims.word("type", "f32"));
    Example::Arg& table = e.put(arg::table, type, {n, R, 1, 1}, Fill{"normal"});
    const std::string layout = dims.word("layout", "packed");
    lay_out_rows(table, layout);
    if (layout != "packed") table.nb = {table.nb[0], table.nb[0] * (n / info(type).block + (layout == "odd" ? 1 : 16)), 0, 0};
    e.put(arg::ids, Type::i32, {int64_t(ids.values.size()), 1, 1, 1}, ids);
    e.put(arg::out, Type::f32, {n, int64_t(ids.values.size()), 1, 1}, Fill{"zero"});
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"n=128 R=50 N=7 type=f16", "n=67 R=20 N=5 layout=odd type=bf16",
                                "n=512 R=20 N=5 type=q4_k", "n=64 layout=odd type=q8_0", nullptr};

}  // namespace rw::ops::get_rows
