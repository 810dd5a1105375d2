#include "rewind/ops/rope.h"

#include <sstream>

#include "tests/driver/suite.h"
#include "tests/ops/rows.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::rope::arg;

/// A token alone has the bits it has among others.
void check_alone(Lab& lab) {
    Inputs in = lab.inputs();
    in.plain_layout();
    const Outcome all = lab.run(in);
    const Extent ne = in.ne(arg::x);
    const int64_t row = ne[0] * ne[1], T = ne[2], P = in.ne(arg::pos)[1];
    for (int64_t token = 0; token < T * ne[3]; ++token) {
        Inputs one = in;
        const auto from = in.value[arg::x].begin() + token * row;
        std::vector<double> pos;
        for (int64_t k = 0; k < P; ++k) pos.push_back(in.value[arg::pos][size_t((token / T * P + k) * T + token % T)]);
        one.put(arg::x, {ne[0], ne[1], 1, 1}, {from, from + row}), one.put(arg::out, {ne[0], ne[1], 1, 1}, {});
        one.put(arg::pos, {1, P, 1, 1}, pos);
        const Outcome got = lab.run(one);
        lab.same("token " + std::to_string(token), &all.value[arg::out][size_t(token * row)], got.value[arg::out].data(),
                 size_t(row));
    }
}

/// Text in planes of positions has the bits of plain positions.
void check_text(Lab& lab) {
    const Inputs planes = lab.inputs("text=1"), plain = lab.inputs("planes=1");
    const Outcome want = lab.run(plain), got = lab.run(planes);
    lab.same("text", want.value[arg::out].data(), got.value[arg::out].data(), want.value[arg::out].size());
}

/// What attention makes of two rows depends on the distance of their positions alone, also a billion further on.
void check_distance(Lab& lab) {
    const Inputs near = lab.inputs("planes=1 dims=0 pos=3"), far = lab.inputs("planes=1 dims=0 pos=1000000007");
    const Outcome a = lab.run(near), b = lab.run(far);
    const Extent& ne = near.ne(arg::x);
    const size_t D = size_t(ne[0]), rows = size_t(ne[1] * ne[2] * ne[3]);
    std::vector<double> want, got;
    for (size_t r = 1; r < rows; ++r) {
        double x = 0, y = 0;
        for (size_t i = 0; i < D; ++i) {
            x += a.value[arg::out][i] * a.value[arg::out][r * D + i];
            y += b.value[arg::out][i] * b.value[arg::out][r * D + i];
        }
        want.push_back(x), got.push_back(y);
    }
    lab.close("products", want.data(), got.data(), want.size(), 1e-11);
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    const int64_t D = 2 + 2 * d.below(130), B = 1 + d.below(3);
    s << "D=" << D << " H=" << 1 + d.below(9) << " T=" << 1 + d.below(9) << " B=" << B << " dims=" << 2 * d.below(D / 2 + 1)
      << " freq_base=" << d.of({"1.5", "100", "10000", "1e6", "1e7"}) << " planes=" << d.of({"1", "3", "4"})
      << " sections=" << listed(d.list(3, 0, 30)) << " pos=" << listed(d.list(B, 0, d.one_in(2) ? 40 : 2000000000))
      << " layout=" << d.of({"packed", "padded", "odd", "permuted"}) << " align=" << d.of({"4", "16", "64"})
      << " alias=" << d.below(2) << random_check(d, {"alone", "in_place", "repeat"});
    return s.str();
}

}  // namespace

Suite rope() {
    Suite s;
    s.random = random_line;
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.check("alone", check_alone);
    s.check("in_place", check_in_place);
    s.check("text", check_text);
    s.check("distance", check_distance);
    return s;
}

}  // namespace rw::test::ops_suites
