// Random words that the forms of the gated delta rule share.
#pragma once

#include <sstream>

#include "tests/driver/dice.h"

namespace rw::test {

/// Heads and gate: what the forms and MATERIALIZE have in common.
inline std::string random_heads(Dice& d) {
    std::ostringstream s;
    if (d.one_in(12)) {  // past the lists' sizes, with few heads: the definition in double takes its time
        s << "S_k=" << d.of({"64", "128", "256"}) << " S_v=" << d.of({"64", "128", "256"}) << " H_k=1 H_v=" << 1 + d.below(2)
          << " gate=" << d.of({"scalar", "channel"});
        return s.str();
    }
    if (d.one_in(4)) s << "S_k=" << d.of({"16", "32", "64"}) << " S_v=" << d.of({"16", "32", "64"});
    else s << "S=" << d.of({"16", "16", "32", "64"});
    const int64_t H_k = 1 + d.below(3);
    s << " H_k=" << H_k << " H_v=" << H_k * (1 + d.below(4)) << " heads=" << d.of({"tiled", "interleaved"})
      << " gate=" << d.of({"scalar", "channel"}) << " align=" << d.of({"16", "16", "4", "64"});
    return s.str();
}

inline std::string random_delta(Dice& d, const Batch& batch) {
    std::ostringstream s;
    s << random_heads(d) << " type=" << d.of({"f32", "f32", "f16", "bf16"})
      << " layout=" << d.of({"packed", "permuted", "padded", "odd"}) << " keys=" << d.of({"iid", "corr", "mixed"});
    if (d.one_in(4)) s << " raw=1";
    else
        s << " gates=" << d.of({"weak", "weak", "strong", "reset", "inf", "up", "dead", "mixed"})
          << " betas=" << d.of({"uniform", "one", "high", "over", "mixed"});
    if (d.one_in(4)) s << " l2norm=1e-6";
    if (d.one_in(6)) s << " scale=0.37";
    if (!batch.packed && batch.B > 1 && d.one_in(3)) s << " Bq=" << (batch.B == 4 ? d.of({"1", "2"}) : "1");
    return s.str();
}

}  // namespace rw::test
