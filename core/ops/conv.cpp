#include "core/ops/conv.h"

namespace rw::ops {

void validate_conv(const Check& check, const Call& call, const ConvArgs& at, const Tokens& n) {
    const Tensor &x = call.arg[at.x], &weight = call.arg[at.weight];
    const int64_t C = x.ne[0], d_conv = weight.ne[0], rows = n.packed ? n.N : n.T, last = n.packed ? 1 : n.B;
    check.supported(d_conv >= 2 && d_conv <= RW_CONV_MAX_TAPS, "weight: dimension 0 (d_conv) is 2..", RW_CONV_MAX_TAPS,
                    "; got ", d_conv);
    check.shape(at.x, "x", {C, rows, last, 1}, "[C, T, B]");
    check.shape(at.weight, "weight", {d_conv, C, 1, 1}, "[d_conv, C]");
    check.shape(at.out, "out", {C, rows, last, 1}, "[C, T, B] like x");
    check.packed(at.weight, "weight", 1);
    if (call.arg[at.bias]) {
        check.shape(at.bias, "bias", {C, 1, 1, 1}, "[C]");
        check.packed(at.bias, "bias", 0);
    }
    check.rows(at.x, "x"), check.fits(at.x, "x");
    check.rows(at.out, "out"), check.fits(at.out, "out");
    check.fits(at.weight, "weight");
}

Cost cost_conv(const Call& call, const ConvArgs& at, int64_t tokens) {
    const Tensor &x = call.arg[at.x], &weight = call.arg[at.weight];
    const double C = double(x.ne[0]), taps = double(weight.ne[0]);
    Cost cost;
    cost.bytes = double(tokens) * C * (size_of(x.type) + 4) + 4 * C * (taps + (call.arg[at.bias] ? 1 : 0));
    cost.flops = double(tokens) * C * 2 * taps;
    return cost;
}

double kept_tolerance(const Tensor& x) { return x.type == Type::f16 ? 1e-12 : 0; }

namespace {

Extent strides(const std::string& layout, Type type, const Extent& ne) {
    const int64_t element = size_of(type), row = element * ne[0];
    if (layout == "packed") return {0, 0, 0, 0};
    if (layout == "swapped") return {element, row * ne[2], row, row * ne[1] * ne[2]};  // sequences inside tokens
    // padded: a row is part of a wider one, as when x is a view of a fused projection; odd: no vector load is aligned
    const int64_t wide = layout == "padded" ? row + 16 * element : row + element;
    if (layout == "padded" || layout == "odd") return {element, wide, wide * (ne[1] + 1), wide * (ne[1] + 1) * ne[2]};
    throw Error(Status::invalid_argument, "layout=" + layout + ": expected packed, padded, odd or swapped");
}

}  // namespace

void example_conv(const Dims& dims, Example& example, const ConvArgs& at, const Tokens& n, const Op& op) {
    const int64_t C = dims.integer("C", 64), taps = dims.integer("d_conv", 4), last = n.packed ? 1 : n.B;
    const std::string layout = dims.word("layout", "packed");
    const Type type = example_type(dims);
    const std::string style = dims.word("x", "normal");
    const Fill fill = style == "normal" ? Fill{"normal"} : Fill{"states", style};
    Example::Arg &x = example.put(at.x, type, {C, n.N, last, 1}, fill),
                 &out = example.put(at.out, Type::f32, {C, n.N, last, 1}, Fill{"zero"});
    x.nb = strides(layout, type, x.ne), out.nb = strides(layout, Type::f32, out.ne);
    example.put(at.weight, Type::f32, {taps, C, 1, 1}, Fill{"normal"});
    if (dims.integer("bias", 1)) example.put(at.bias, Type::f32, {C, 1, 1, 1}, Fill{"normal"});
    example.attr[at.activation] = choice(dims, "activation", op.attrs[at.activation]);
}

}  // namespace rw::ops
