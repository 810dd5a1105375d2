// RWKV7_WKV: calls whose result is known without running the recurrence.
#include "rewind/ops/rwkv7_wkv.h"

#include "tests/ops/scan.h"

namespace rw::test::ops_suites {
namespace {

using namespace ops::rwkv7_wkv;

ScanForm form_of(const Inputs& in) {
    const Extent& v = in.ne(arg::v);
    return {v[0], v[0], v[1], v[2], v[3], scan_entry(in, arg::w), scan_entry(in, arg::k), scan_entry(in, arg::r),
            scan_entry(in, arg::v)};
}

void check_decay(Lab& lab) {
    Inputs in = lab.inputs("removal=none");
    fill(in, arg::k, 0);
    against_decay(lab, in, form_of(in));
}

void check_sum(Lab& lab) {
    const Inputs in = lab.inputs("removal=none decays=zero");  // log decay zero
    against_sum(lab, in, form_of(in));
}

void check_forget(Lab& lab) {
    Inputs in = lab.inputs("removal=none");
    fill(in, arg::w, 0);
    against_forget(lab, in, form_of(in));
}

/// a a unit vector along one axis and b = -a: what lies along that axis is removed, all else stays as it is.
void check_removal(Lab& lab) {
    Inputs in = lab.inputs("decays=zero");
    const int64_t S = in.ne(arg::a)[0];
    const auto axis = [S](int64_t row) { return (3 * row + 1) % S; };
    fill(in, arg::k, 0), fill(in, arg::a, 0), fill(in, arg::b, 0);
    for (int64_t row = 0; row < int64_t(in.value[arg::a].size()) / S; ++row)
        in.value[arg::a][size_t(row * S + axis(row))] = 1, in.value[arg::b][size_t(row * S + axis(row))] = -1;
    const ScanForm f = form_of(in);
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, std::vector<double>& S) {
        const int64_t i = axis((b * f.T + t) * f.H + h);
        for (int64_t j = 0; j < f.S_v; ++j) S[size_t(j * f.S_k + i)] = 0;
    });
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    s << "S=" << 16 * (1 + d.below(d.one_in(12) ? 16 : 6)) << " H=" << 1 + d.below(4)
      << " removal=" << d.of({"free", "none", "paired"}) << random_scan(d, {"packed", "permuted", "padded", "odd"});
    return s.str();
}

}  // namespace

Suite rwkv7_wkv() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::v].ne[1]; };
    s.check("decay", check_decay);
    s.check("sum", check_sum);
    s.check("forget", check_forget);
    s.check("removal", check_removal);
    return s;
}

}  // namespace rw::test::ops_suites
