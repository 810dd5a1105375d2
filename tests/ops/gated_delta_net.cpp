// GATED_DELTA_NET: closed forms over slots.
#include "rewind/ops/gated_delta_net.h"

#include "tests/ops/gdn.h"
#include "tests/ops/gdn_forms.h"

namespace rw::test::ops_suites {
namespace {

using namespace ops::gated_delta_net;

void against(Lab& lab, const Inputs& in, const gdn_forms::ClosedForm& state_after) {
    const int64_t T = in.ne(arg::v)[2], K = in.ne(arg::state_out)[1], D = in.ne(arg::state)[0], K_in = in.ne(arg::state)[1];
    Expected want{in.value, {}, 0};
    want.written.resize(in.value.size());
    for (const int a : {arg::out, arg::state_out}) {
        const Extent& ne = in.ne(a);
        want.value[size_t(a)].assign(size_t(ne[0] * ne[1] * ne[2] * ne[3]), 0);
        want.written[size_t(a)].assign(want.value[size_t(a)].size(), 0);
    }
    const auto write = [&](int a, int64_t at, const std::vector<double>& x) {
        std::copy(x.begin(), x.end(), want.value[size_t(a)].begin() + at);
        std::fill_n(want.written[size_t(a)].begin() + at, x.size(), uint8_t(1));
    };
    const auto start = [&](int64_t b) { return in.value[arg::state].data() + b * K_in * D; };
    gdn_forms::each_token(in, state_after, start, [&](const gdn_forms::Head& x, int64_t t, const auto& S, const auto& out) {
        write(arg::out, ((x.b * T + t) * x.H_v + x.h) * x.S_v, out);
        const int slot = ops::kept_slot(int(t), int(T), int(K), int(in.example.attr[attr::order]));
        if (slot >= 0) write(arg::state_out, (x.b * K + slot) * D + x.h * x.S_k * x.S_v, S);
    });
    lab.compare_all(want, in, lab.run(in));
    lab.compared = 1;  // compare_all judges trust itself
}

/// Nothing in, nothing out: a zero state and zero values give exact zeros.
void check_nothing(Lab& lab) {
    Inputs in = lab.inputs("state=zero");
    std::fill(in.value[arg::v].begin(), in.value[arg::v].end(), 0.0);
    const Outcome got = lab.run(in);
    for (const int a : {arg::out, arg::state_out}) {
        const std::vector<double> zero(got.value[size_t(a)].size(), 0);
        for (size_t e = 0; e < zero.size(); ++e)
            if (got.touched[size_t(a)][e] && got.value[size_t(a)][e] != 0)
                return lab.fail(lab.op.args[size_t(a)].name + (" element " + std::to_string(e)) + " is " +
                                std::to_string(got.value[size_t(a)][e]) + ", expected 0");
    }
    lab.compared = 1;  // poison would not have been 0
}

std::string random_line(Dice& d) {
    const Batch batch = random_batch(d, 90);
    const std::string path = d.of({"auto", "exact", "prefill"});
    std::ostringstream s;
    s << random_delta(d, batch) << batch.words << random_slots(d, batch) << " path=" << path;
    if (path == "exact") s << random_check(d, {"serial", "partition", "sequences", "slots", "pool"});
    else s << random_check(d, {"sequences", "slots", "pool"});
    return s.str();
}

}  // namespace

Suite gated_delta_net() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::v].ne[1]; };
    gdn_forms::add(s, against);
    s.check("nothing", check_nothing);
    return s;
}

}  // namespace rw::test::ops_suites
