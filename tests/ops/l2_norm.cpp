#include "rewind/ops/l2_norm.h"

#include <sstream>

#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::l2_norm::arg;

/// Doubling a row changes no bit of the result as long as eps is below its length, and the result has length 1.
void check_scale(Lab& lab) {
    Inputs in = lab.inputs("rows=normal eps=1e-6");
    const Outcome one = lab.run(in);
    for (double& x : in.value[arg::x]) x *= 2;
    const Outcome two = lab.run(in);
    const std::vector<double>& out = one.value[arg::out];
    lab.same("x doubled", out.data(), two.value[arg::out].data(), out.size());
    const size_t n = size_t(in.ne(arg::x)[0]);
    std::vector<double> want, got;
    for (size_t row = 0; row < out.size(); row += n) {
        double length = 0;
        for (size_t i = 0; i < n; ++i) length += out[row + i] * out[row + i];
        want.push_back(1), got.push_back(length);
    }
    lab.close("lengths", want.data(), got.data(), want.size(), 1e-12);
}

/// A row alone has the bits it has among others.
void check_alone(Lab& lab) {
    const Inputs in = lab.inputs();
    const Outcome all = lab.run(in);
    const int64_t n = in.ne(arg::x)[0];
    const size_t rows = in.value[arg::x].size() / size_t(n);
    for (size_t r = 0; r < rows; r += 1 + rows / 7) {
        Inputs one = in;
        const auto from = in.value[arg::x].begin() + int64_t(r) * n;
        one.put(arg::x, {n, 1, 1, 1}, {from, from + n}), one.put(arg::out, {n, 1, 1, 1}, {});
        const Outcome got = lab.run(one);
        lab.same("row " + std::to_string(r), &all.value[arg::out][r * size_t(n)], got.value[arg::out].data(), size_t(n));
    }
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    s << "n=" << 1 + d.below(1300) << " n1=" << 1 + d.below(9) << " n2=" << 1 + d.below(5) << " n3=" << 1 + d.below(3)
      << " layout=" << d.of({"packed", "padded", "odd", "permuted", "swapped"}) << " rows=" << d.of({"normal", "huge"})
      << " eps=" << d.of({"0", "1e-6", "0.1", "10"}) << " align=" << d.of({"4", "16", "64"})
      << random_check(d, {"scale", "alone", "nan", "repeat"});
    return s.str();
}

}  // namespace

Suite l2_norm() {
    Suite s;
    s.random = random_line;
    s.not_tokens = {"x", "out"};
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.check("scale", check_scale);
    s.check("alone", check_alone);
    return s;
}

}  // namespace rw::test::ops_suites
