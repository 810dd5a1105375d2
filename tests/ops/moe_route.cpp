#include "rewind/ops/moe_route.h"

#include <limits>
#include <sstream>

#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::moe_route::arg;

/// A row alone has the bits it has among others, and weights add up to 1.
void check_alone(Lab& lab) {
    Inputs in = lab.inputs();
    in.plain_layout();
    const Outcome all = lab.run(in);
    const int64_t E = in.ne(arg::logits)[0], R = in.ne(arg::logits)[1], U = in.ne(arg::ids)[0];
    for (int64_t r = 0; r < R; ++r) {
        Inputs one = in;
        const auto from = in.value[arg::logits].begin() + r * E;
        one.put(arg::logits, {E, 1, 1, 1}, {from, from + E});
        for (const int a : {arg::ids, arg::weight}) one.example.arg[size_t(a)].ne = {U, 1, 1, 1};
        const Outcome got = lab.run(one);
        for (const int a : {arg::ids, arg::weight})
            lab.same("row " + std::to_string(r), &all.value[size_t(a)][size_t(r * U)], got.value[size_t(a)].data(),
                     size_t(U));
        double sum = 0;
        for (int64_t u = 0; u < U; ++u) sum += got.value[arg::weight][size_t(u)];
        const double want = 1;
        lab.close("sum of weights", &want, &sum, 1, 1e-12);
    }
}

/// NaN, infinities and rows of nothing else: ids are still experts, in their order.
void check_odd(Lab& lab) {
    Inputs in = lab.inputs();
    const int64_t E = in.ne(arg::logits)[0], R = in.ne(arg::logits)[1];
    constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    for (int64_t r = 0; r < R; ++r)
        for (int64_t i = 0; i < E; ++i) {
            double& x = in.value[arg::logits][size_t(r * E + i)];
            if (r % 5 == 0) x = nan;
            else if (r % 5 == 1) x = -inf;
            else if (r % 5 == 2) x = i % 3 ? x : i % 2 ? inf : nan;
            else if (r % 5 == 3) x = i % 3 ? x : -inf;
            else x = i == E - 1 ? 1e30 : -1e30;
        }
    lab.compare_all(expected(in), in, lab.run(in));
    lab.compared += uint64_t(R);
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    const int64_t E = 1 + d.below(d.one_in(3) ? 1024 : 100);
    s << "E=" << E << " R=" << 1 + d.below(6) << " U=" << 1 + d.below(std::min<int64_t>(E, 64))
      << " rows=" << d.of({"normal", "ties", "same", "wide"}) << " layout=" << d.of({"packed", "padded", "odd"})
      << " align=" << d.of({"4", "16", "64"}) << random_check(d, {"alone", "odd", "nan", "repeat"});
    return s.str();
}

}  // namespace

Suite moe_route() {
    Suite s;
    s.random = random_line;
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b10); };
    s.check("alone", check_alone);
    s.check("odd", check_odd);
    return s;
}

}  // namespace rw::test::ops_suites
