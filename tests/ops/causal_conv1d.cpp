#include "rewind/ops/causal_conv1d.h"

#include "tests/ops/conv.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::causal_conv1d::arg;
namespace attr = ops::causal_conv1d::attr;

/// Weights that are 1 at tap j and 0 elsewhere shift the input by d_conv - 1 - j tokens, exactly; the first outputs are
/// the state's inputs.
void check_shift(Lab& lab) {
    Inputs in = lab.inputs("bias=0 activation=none");
    for (const int i : {arg::in_slot, arg::seq, arg::first, arg::seq_len})
        if (in.has(i)) return lab.fail("check=shift: takes no in_slot, seq, first or len");
    const int64_t C = in.ne(arg::x)[0], T = in.ne(arg::x)[1], B = in.ne(arg::x)[2], taps = in.ne(arg::weight)[0];
    const int64_t row = (taps - 1) * C * in.ne(arg::state)[1];
    for (int64_t j = 0; j < taps; ++j) {
        for (size_t i = 0; i < in.value[arg::weight].size(); ++i) in.value[arg::weight][i] = int64_t(i) % taps == j;
        std::vector<double> want;
        for (int64_t b = 0; b < B; ++b)
            for (int64_t t = 0; t < T; ++t)
                for (int64_t c = 0; c < C; ++c) {
                    const int64_t from = t - (taps - 1) + j;
                    want.push_back(from >= 0 ? in.value[arg::x][size_t((b * T + from) * C + c)]
                                             : in.value[arg::state][size_t(b * row + c * (taps - 1) + taps - 1 + from)]);
                }
        const Outcome got = lab.run(in);
        lab.same("weights 1 at tap " + std::to_string(j), want.data(), got.value[arg::out].data(), want.size());
    }
}

std::string random_line(Dice& d) {
    const Batch batch = random_batch(d, 90);
    std::ostringstream s;
    s << random_conv(d) << batch.words << random_slots(d, batch)
      << random_check(d, {"serial", "partition", "sequences", "slots", "pool"});
    return s.str();
}

}  // namespace

Suite causal_conv1d() {
    Suite s;
    s.random = random_line;
    s.token_dim = {{"x", 1}, {"out", 1}};
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::x].ne[0]; };  // channel by channel
    // A channel's output may be a small difference of large products: a token's channels are judged together, and few
    // channels by the products.
    s.terms = conv_terms;
    s.grouping = [](const ops::Op& op, const ops::Call& call, int i) {
        return i == arg::out ? by_dims(call.arg[arg::out].ne, 0b110)
                             : default_grouping(op, call, i, call.arg[arg::x].ne[0]);
    };
    s.check("shift", check_shift);
    return s;
}

}  // namespace rw::test::ops_suites
