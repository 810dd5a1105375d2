#include "rewind/ops/get_rows.h"

#include <sstream>

#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

std::string random_line(Dice& d) {
    std::ostringstream s;
    const int64_t R = 1 + d.below(90), N = 1 + d.below(20), wrong = d.one_in(4) ? 1 : 0;
    const std::string type = d.of({"f32", "f16", "bf16", "q8_0", "q5_0", "q4_k", "q6_k", "iq4_xs"});
    const int64_t block = info(type_named(type)).block;
    s << "type=" << type << " n=" << (block == 1 ? 1 + d.below(600) : block * (1 + d.below(4))) << " R=" << R
      << " ids=" << listed(d.list(N, -1 - wrong, R - 1 + wrong)) << " layout=" << d.of({"packed", "padded", "odd"})
      << " align=" << d.of({"4", "16", "64"}) << random_check(d, {"repeat"});
    return s.str();
}

}  // namespace

Suite get_rows() {
    Suite s;
    s.random = random_line;
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b10); };
    return s;
}

}  // namespace rw::test::ops_suites
