#include "rewind/ops/gated_delta_net_materialize.h"

#include "tests/driver/suite.h"
#include "tests/ops/gdn.h"

namespace rw::test::ops_suites {
namespace {

using namespace ops::gated_delta_net_materialize;

/// At a multiple of W nothing is pending: the base's own bits.
void check_base_bits(Lab& lab) {
    Inputs in = lab.inputs();
    const int64_t n_base = in.ne(arg::base)[1], W = in.ne(arg::ring_k)[2] / n_base, B = in.ne(arg::pos)[0];
    const int64_t D = in.ne(arg::base)[0];
    for (int64_t block = 0; block < 2 * n_base + 1; ++block) {
        in.put_list(arg::pos, std::vector<int64_t>(size_t(B), block * W));
        const Outcome got = lab.run(in);
        for (int64_t b = 0; b < B; ++b) {
            const int64_t row = in.index(arg::seq, b, b);
            if (row < 0) continue;
            lab.same("block " + std::to_string(block),
                     in.value[arg::base].data() + (row * n_base + block % n_base) * D,
                     got.value[arg::state].data() + b * D, size_t(D));
        }
    }
}

std::string random_line(Dice& d) {
    const int64_t W = int64_t(4) << d.below(4), n_base = 2 + d.below(4), B = 1 + d.below(4);
    std::ostringstream s;
    s << random_heads(d) << " W=" << W << " n_base=" << n_base << " B=" << B
      << " pos=" << listed(d.list(B, d.one_in(4) ? -2 : 0, 5 * W * n_base)) << " rowg=" << d.of({"weak", "reset", "mixed"});
    if (d.one_in(3)) s << " pool=" << B + 2 << " seq=" << listed(d.distinct(B, B + 2));
    s << random_check(d, {"base_bits", "nan", "repeat"});
    return s.str();
}

}  // namespace

Suite gated_delta_net_materialize() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::ring_d].ne[1]; };
    s.check("base_bits", check_base_bits);
    return s;
}

}  // namespace rw::test::ops_suites
