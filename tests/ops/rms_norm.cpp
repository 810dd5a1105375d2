#include "rewind/ops/rms_norm.h"

#include <sstream>

#include "tests/driver/suite.h"
#include "tests/ops/rows.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::rms_norm::arg;

/// Doubling rows and eps with them (four times) changes no bit of the result, and without a weight and a gate its root
/// mean square is 1.
void check_scale(Lab& lab) {
    Inputs in = lab.inputs("rows=normal eps=0");
    const Outcome one = lab.run(in);
    for (const int a : {arg::x, arg::residual})
        for (double& x : in.value[size_t(a)]) x *= 2;
    const Outcome two = lab.run(in);
    const std::vector<double>& out = one.value[arg::out];
    lab.same("x doubled", out.data(), two.value[arg::out].data(), out.size());
    if (in.has(arg::weight) || in.has(arg::gate)) return;
    const size_t n = size_t(in.ne(arg::x)[0]);
    std::vector<double> want, got;
    for (size_t row = 0; row < out.size(); row += n) {
        double squares = 0;
        for (size_t i = 0; i < n; ++i) squares += out[row + i] * out[row + i];
        want.push_back(1), got.push_back(squares / double(n));
    }
    lab.close("mean squares", want.data(), got.data(), want.size(), 1e-12);
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    s << random_rows(d, 1300) << " rows=" << d.of({"normal", "huge"}) << " eps=" << d.of({"0", "1e-6", "0.1", "10"})
      << " weight=" << d.below(2) << " residual=" << d.below(2) << " gate=" << d.below(2) << " alias=" << d.below(2)
      << random_check(d, {"scale", "alone", "in_place", "nan", "repeat"});
    return s.str();
}

}  // namespace

Suite rms_norm() {
    Suite s;
    s.random = random_line;
    s.not_tokens = {"x", "residual", "gate", "out", "sum"};
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.check("scale", check_scale);
    s.check("alone", check_rows_alone);
    s.check("in_place", check_in_place);
    return s;
}

}  // namespace rw::test::ops_suites
