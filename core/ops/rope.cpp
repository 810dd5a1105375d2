#include "rewind/ops/rope.h"

#include <algorithm>
#include <cmath>

#include "core/ops/slots.h"

namespace rw::ops::rope {
namespace {

int64_t turning(const Call& call) {
    const int64_t dims = int64_t(call.attr[attr::dims]);
    return dims ? dims : call.arg[arg::x].ne[0];
}

bool in_place(const Call& call) {
    const Tensor &x = call.arg[arg::x], &out = call.arg[arg::out];
    return x.buffer == out.buffer && x.offset == out.offset;
}

}  // namespace

void validate(const Call& call) {
    const Check check("ROPE", call);
    const Extent &ne = call.arg[arg::x].ne, &pos = call.arg[arg::pos].ne;
    check.shape(arg::out, "out", {ne[0], ne[1], ne[2], ne[3]}, "the shape of x");
    check.rows(arg::x, "x"), check.fits(arg::x, "x");
    check.rows(arg::out, "out"), check.fits(arg::out, "out");
    check.that(ne[0] % 2 == 0, "x: dimension 0 has to be even, got ", ne[0]);
    check.shape(arg::pos, "pos", {ne[2], -1, ne[3], 1}, "[T, P, B]");
    check.that(pos[1] == 1 || pos[1] == 3 || pos[1] == 4,
               "pos: dimension 1 (positions of a token) is 1, 3 or 4, got ", pos[1]);
    check.packed(arg::pos, "pos", 1), check.fits(arg::pos, "pos");
    check.supported(ne[2] <= INT32_MAX / ne[3], "x: more than 2^31 - 1 tokens");
    const double dims = call.attr[attr::dims], base = call.attr[attr::freq_base];
    check.that(dims >= 0 && dims <= double(ne[0]) && dims == 2 * std::floor(dims / 2),
               "dims: is an even number from 0 (all) to the ", ne[0], " elements of a row");
    check.supported(turning(call) <= RW_ROPE_MAX_DIMS, "dims: more than ", RW_ROPE_MAX_DIMS, " elements that turn");
    check.that(std::isfinite(base) && base > 1, "freq_base: has to be finite and above 1");
    for (const int a : {attr::section_t, attr::section_h, attr::section_w}) {
        const double pairs = call.attr[a];
        check.that(pairs >= 0 && pairs <= RW_ROPE_MAX_DIMS && pairs == std::floor(pairs),
                   "section_t, section_h, section_w: are whole numbers of pairs, at least 0");
    }
}

Params params(const Call& call) {
    const Tensor &x = call.arg[arg::x], &out = call.arg[arg::out], &pos = call.arg[arg::pos];
    const auto narrow = [](int64_t v) { return int32_t(v); };
    const auto section = [&](int a) { return int32_t(call.attr[a]); };
    const int64_t dims = turning(call);
    // The last pair has the power of dims / 2 - 1 of it: digits beyond a double count at large positions.
    const long double ratio = std::pow((long double)(call.attr[attr::freq_base]), -2 / (long double)(dims));
    const uint64_t fixed = uint64_t(std::min(ratio * 0x1p64L, 0x1.fffffffffffffp63L));
    return {narrow(x.ne[0]), narrow(x.ne[1]), narrow(x.ne[2]), narrow(x.ne[3]), narrow(pos.ne[1]), narrow(dims / 2),
            narrow((in_place(call) ? dims : x.ne[0]) / 2),
            narrow(x.stride(1)), narrow(x.stride(2)), narrow(x.stride(3)),
            narrow(out.stride(1)), narrow(out.stride(2)), narrow(out.stride(3)), narrow(pos.stride(2)),
            section(attr::section_t), section(attr::section_h), section(attr::section_w),
            int32_t(uint32_t(fixed >> 32)), int32_t(uint32_t(fixed))};
}

Cost cost(const Call& call) {
    const Tensor& x = call.arg[arg::x];
    const double rows = double(x.elements()) / double(x.ne[0]), dims = double(turning(call));
    const double moved = in_place(call) ? dims : double(x.ne[0]);
    return {8 * rows * moved + 4 * double(call.arg[arg::pos].elements()), 3 * rows * dims};
}

double tolerance(const Call&, int) { return 1e-12; }

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const int64_t T = dims.integer("T", 1), B = dims.integer("B", 1), P = dims.integer("planes", 1);
    const Extent ne{dims.integer("D", 64), dims.integer("H", 2), T, B};
    const std::string layout = dims.word("layout", "packed");
    const bool text = dims.integer("text", 0), pad = dims.integer("pad", 0), bad = dims.integer("bad", 0);
    std::vector<int64_t> start = dims.list("pos"), sections = dims.list("sections");
    if (start.empty()) start.push_back(0);
    start.resize(size_t(std::max<int64_t>(B, 1)), start.back()), sections.resize(3, 0);
    Fill pos{"list"};
    for (int64_t b = 0; b < B; ++b)
        for (int64_t plane = 0; plane < P; ++plane)
            for (int64_t t = 0; t < T; ++t) {
                static constexpr int64_t step[] = {1, 7, 5, 3};
                int64_t p = start[size_t(b)] + (text || plane == 0 ? t : t * step[plane % 4] % 13);
                if (pad && t % 3 == 1) p = -1;
                if (bad && plane == 1 && t == T / 2) p = -5;
                pos.values.push_back(p);
            }
    lay_out(e.put(arg::x, Type::f32, ne, Fill{"normal"}), layout);
    e.put(arg::pos, Type::i32, {T, P, B, 1}, pos);
    lay_out(e.put(arg::out, Type::f32, ne, Fill{"zero"}), layout);
    e.attr[attr::dims] = dims.number("dims", 0), e.attr[attr::freq_base] = dims.number("freq_base", 10000);
    for (int i = 0; i < 3; ++i) e.attr[size_t(attr::section_t + i)] = double(sections[size_t(i)]);
    stretch(dims, e);
    if (dims.integer("alias", 0)) e.arg[arg::out].alias = arg::x;
    return e;
}

const char* const selftest[] = {
    "D=128 H=3 T=5 B=2 dims=64 freq_base=1e7 pos=1000000,3",
    "D=256 H=5 T=4 dims=64 freq_base=1e7 planes=4 sections=11,11,10 pos=77 layout=odd alias=1",
    nullptr};

}  // namespace rw::ops::rope
