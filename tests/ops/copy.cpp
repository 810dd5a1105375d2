#include "rewind/ops/copy.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::copy::arg;

/// Every f16 and every bf16 number but the subnormal bf16 ones comes through f32 and back as it was.
void check_numbers(Lab& lab) {
    const bool half = lab.inputs().example.arg[arg::out].type == Type::f16;
    std::vector<double> all;
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        const uint32_t exponent = half ? bits >> 10 & 31 : bits >> 7 & 255, mantissa = half ? bits & 1023 : bits & 127;
        const int bias = half ? 15 : 127, digits = half ? 10 : 7;
        if (exponent == (half ? 31u : 255u) || (!half && exponent == 0)) continue;
        const double x = std::ldexp(mantissa + (exponent ? 1 << digits : 0), int(exponent ? exponent : 1) - bias - digits);
        all.push_back(bits >> 15 ? -x : x);
    }
    Inputs in = lab.inputs("type=f32 n=64 n1=8 layout=packed outlayout=packed");
    in.put(arg::x, {int64_t(all.size()), 1, 1, 1}, all), in.put(arg::out, {int64_t(all.size()), 1, 1, 1}, {});
    const Outcome got = lab.run(in);
    lab.same("numbers", all.data(), got.value[arg::out].data(), all.size());
}

/// Numbers halfway between two neighbours go to the even one, those next to them to the nearer one.
void check_ties(Lab& lab) {
    const bool half = lab.inputs().example.arg[arg::out].type == Type::f16;
    const int digits = half ? 10 : 7;
    std::vector<double> x, want;
    for (int exponent = half ? -24 : -100; exponent < 15; ++exponent)
        for (int mantissa = 1 << digits; mantissa < 2 << digits; mantissa += 13) {
            const int least = half ? -24 : -133, unit = std::max(exponent - digits, least);
            const double below = std::ldexp(std::floor(std::ldexp(mantissa, exponent - digits - unit)), unit);
            const double step = std::ldexp(1.0, unit), even = std::fmod(below / step, 2) == 0 ? below : below + step;
            for (const auto& [at, to] : {std::pair{below + step / 2, even}, {below + step * 0.501953125, below + step},
                                         {below + step * 0.498046875, below}})
                x.push_back(at), want.push_back(to), x.push_back(-at), want.push_back(-to);
        }
    Inputs in = lab.inputs("type=f32 n=64 n1=8 layout=packed outlayout=packed");
    in.put(arg::x, {int64_t(x.size()), 1, 1, 1}, x), in.put(arg::out, {int64_t(x.size()), 1, 1, 1}, {});
    const Outcome got = lab.run(in);
    lab.same("ties", want.data(), got.value[arg::out].data(), want.size());
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    s << "n=" << 1 + d.below(300) << " n1=" << 1 + d.below(9) << " n2=" << 1 + d.below(5) << " n3=" << 1 + d.below(3)
      << " layout=" << d.of({"packed", "padded", "odd", "permuted", "swapped", "transposed"})
      << " outlayout=" << d.of({"packed", "padded", "odd", "permuted", "swapped", "transposed"})
      << " type=" << d.of({"f32", "f16", "bf16"}) << " to=" << d.of({"f32", "f16", "bf16"})
      << " x=" << d.of({"normal", "huge", "tiny"}) << " align=" << d.of({"4", "16", "64"})
      << random_check(d, {"nan", "repeat"});
    return s.str();
}

}  // namespace

Suite copy() {
    Suite s;
    s.random = random_line;
    s.not_tokens = {"x", "out"};
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.check("numbers", check_numbers);
    s.check("ties", check_ties);
    return s;
}

}  // namespace rw::test::ops_suites
