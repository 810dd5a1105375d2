// What the suites of the two convolutions share.
#pragma once

#include <cmath>
#include <sstream>

#include "rewind/ops/causal_conv1d.h"
#include "tests/driver/dice.h"
#include "tests/driver/suite.h"

namespace rw::test {

/// |bias| + sum of |weight x| of each output: the definition itself, on absolute values. SiLU's slope is below 1.1, so
/// an error of the sum is not larger behind it.
inline std::vector<double> conv_terms(const Inputs& in, int arg) {
    if (arg != in.op->arg_index("out") || in.ne(arg)[0] >= 16) return {};
    Inputs sizes = in;
    for (size_t i = 0; i < sizes.value.size(); ++i)
        if (in.has(int(i)) && in.example.arg[i].type != Type::i32)
            for (double& x : sizes.value[i]) x = std::fabs(x);
    sizes.example.attr[size_t(in.op->attr_index("activation"))] = 0;
    return expected(sizes).value[size_t(arg)];
}

inline std::string random_conv(Dice& d) {
    std::ostringstream s;
    s << "C=" << (d.one_in(2) ? 1 + d.below(300) : int64_t(4) << d.below(7)) << " d_conv=" << 2 + d.below(RW_CONV_MAX_TAPS - 1)
      << " activation=" << d.of({"none", "silu"}) << " bias=" << d.below(2) << " type=" << d.of({"f32", "f16", "bf16"})
      << " layout=" << d.of({"packed", "padded", "odd", "swapped"}) << " align=" << d.of({"4", "16", "64"});
    return s.str();
}

}  // namespace rw::test
