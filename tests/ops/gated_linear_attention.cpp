// GATED_LINEAR_ATTENTION: calls whose result is known without running the recurrence.
#include "rewind/ops/gated_linear_attention.h"

#include <cmath>

#include "tests/ops/scan.h"

namespace rw::test::ops_suites {
namespace {

using namespace ops::gated_linear_attention;

ScanForm form_of(const Inputs& in) {
    const Extent &k = in.ne(arg::k), &v = in.ne(arg::v);
    ScanForm f{k[0], v[0], v[1], v[2], v[3], scan_entry(in, arg::g), scan_entry(in, arg::k), scan_entry(in, arg::q),
               scan_entry(in, arg::v)};
    const double given = in.example.attr[attr::scale], scale = given != 0 ? given : 1 / std::sqrt(double(k[0]));
    f.result = [scale](int64_t, int64_t, int64_t, int64_t, double y) { return scale * y; };
    return f;
}

void check_decay(Lab& lab) {
    Inputs in = lab.inputs();
    fill(in, arg::k, 0);
    against_decay(lab, in, form_of(in));
}

void check_sum(Lab& lab) {
    const Inputs in = lab.inputs("decays=zero");  // log decay zero
    against_sum(lab, in, form_of(in));
}

void check_forget(Lab& lab) {
    Inputs in = lab.inputs();
    fill(in, arg::g, 0);
    against_forget(lab, in, form_of(in));
}

std::string random_line(Dice& d) {
    const int64_t most = d.one_in(12) ? 16 : 6;
    std::ostringstream s;
    s << "S_k=" << 16 * (1 + d.below(most)) << " S_v=" << 16 * (1 + d.below(most)) << " H=" << 1 + d.below(4)
      << (d.one_in(4) ? " scale=0.37" : "") << random_scan(d, {"packed", "permuted", "padded", "odd"});
    return s.str();
}

}  // namespace

Suite gated_linear_attention() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::v].ne[1]; };
    s.check("decay", check_decay);
    s.check("sum", check_sum);
    s.check("forget", check_forget);
    return s;
}

}  // namespace rw::test::ops_suites
