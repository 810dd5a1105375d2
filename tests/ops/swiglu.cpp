#include "rewind/ops/swiglu.h"

#include <sstream>

#include "tests/driver/suite.h"
#include "tests/ops/rows.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::swiglu::arg;

/// Gate and up in one tensor have the bits they have in two.
void check_halves(Lab& lab) {
    const Inputs two = lab.inputs("gate=full alias=0");
    Inputs one = lab.inputs("gate=halves");
    const size_t n = size_t(two.ne(arg::out)[0]);
    for (size_t i = 0; i < two.value[arg::up].size(); ++i) {
        const size_t row = i / n * 2 * n;
        one.value[arg::gate][row + i % n] = two.value[arg::gate][i];
        one.value[arg::gate][row + n + i % n] = two.value[arg::up][i];
    }
    const Outcome want = lab.run(two), got = lab.run(one);
    lab.same("halves", want.value[arg::out].data(), got.value[arg::out].data(), want.value[arg::out].size());
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    const bool halves = d.one_in(4);
    s << random_rows(d, 700) << " rows=" << d.of({"normal", "wide"}) << " activation=" << d.of({"silu", "sigmoid"});
    if (halves) s << " gate=halves";
    else s << " gate=" << d.of({"full", "one"}) << " alias=" << d.below(2);
    s << random_check(d, {"alone", "halves", "nan", "repeat"});
    return s.str();
}

}  // namespace

Suite swiglu() {
    Suite s;
    s.random = random_line;
    s.not_tokens = {"gate", "up", "out"};
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.check("alone", check_rows_alone);
    s.check("in_place", check_in_place);
    s.check("halves", check_halves);
    return s;
}

}  // namespace rw::test::ops_suites
