#include "core/ops/rows.h"

namespace rw::ops {

void validate_rows(const Check& check, const Call& call, int arg, const char* name, const Extent& ne,
                   const char* spelled) {
    if (!call.arg[arg]) return;
    check.shape(arg, name, {ne[0], ne[1], ne[2], ne[3]}, spelled);
    check.rows(arg, name), check.fits(arg, name);
}

void validate_row_count(const Check& check, const char* name, const Extent& ne) {
    check.supported(ne[1] * ne[2] <= INT32_MAX / ne[3], name, ": more than 2^31 - 1 rows");
}

Extent example_rows(const Dims& dims) {
    return {dims.integer("n", 64), dims.integer("n1", 1), dims.integer("n2", 1), dims.integer("n3", 1)};
}

Fill example_values(const Dims& dims) {
    const std::string style = dims.word("x", "normal");
    if (style == "tiny") return Fill{"uniform", "", -1e-6, 1e-6};
    return style == "normal" ? Fill{"normal"} : Fill{"states", style};
}

Fill example_logits(const Dims& dims, int64_t n, int64_t count) {
    const std::string rows = dims.word("rows", "normal");
    if (rows == "normal") return Fill{"normal"};
    if (rows == "wide") return Fill{"uniform", "", -60, 60};
    if (rows != "ties" && rows != "same")
        throw Error(Status::invalid_argument, "rows=" + rows + ": expected normal, ties, same or wide");
    Fill fill{"list"};
    for (int64_t i = 0; i < n * count; ++i)
        fill.values.push_back(rows == "same" ? 2 + (i % n > 0) : i * 2654435761 % 4294967296 % 7);
    return fill;
}

void lay_out_rows(Example::Arg& x, const std::string& layout) {
    const Extent& ne = x.ne;
    const int64_t e = size_of(x.type), wide = layout == "padded" ? ne[0] + 16 : ne[0] + 1;
    if (layout == "permuted")
        x.nb = {e, e * ne[0] * ne[2], e * ne[0], e * ne[0] * ne[1] * ne[2]};
    else if (layout == "swapped")
        x.nb = {e, e * ne[0] * ne[2] * ne[3], e * ne[0] * ne[3], e * ne[0]};
    else if (layout == "padded" || layout == "odd")  // a view of something wider in every dimension
        x.nb = {e, e * wide, e * wide * (ne[1] + 1), e * wide * (ne[1] + 1) * (ne[2] + 1)};
    else if (layout != "packed")
        throw Error(Status::invalid_argument, "layout=" + layout + ": expected packed, padded, odd, permuted or swapped");
}

}  // namespace rw::ops
