// Random words that the forms of the convolution share.
#pragma once

#include <sstream>

#include "rewind/ops/causal_conv1d.h"
#include "tests/driver/dice.h"

namespace rw::test {

inline std::string random_conv(Dice& d) {
    std::ostringstream s;
    s << "C=" << (d.one_in(2) ? 1 + d.below(300) : int64_t(4) << d.below(7)) << " d_conv=" << 2 + d.below(RW_CONV_MAX_TAPS - 1)
      << " activation=" << d.of({"none", "silu"}) << " bias=" << d.below(2) << " type=" << d.of({"f32", "f16", "bf16"})
      << " layout=" << d.of({"packed", "padded", "odd", "swapped"}) << " align=" << d.of({"4", "16", "64"});
    return s.str();
}

}  // namespace rw::test
