// SSM_SCAN: calls whose result is known without running the recurrence.
#include "rewind/ops/ssm_scan.h"

#include <cmath>

#include "tests/ops/scan.h"

namespace rw::test::ops_suites {
namespace {

using namespace ops::ssm_scan;

double step_of(const Inputs& in, int64_t b, int64_t h, int64_t t) {
    const Extent& ne = in.ne(arg::dt);
    double x = in.value[arg::dt][size_t((b * ne[1] + t) * ne[0] + h)];
    if (in.has(arg::dt_bias)) x += in.value[arg::dt_bias][size_t(h)];
    if (in.example.attr[attr::step] == RW_STEP_PLAIN) return x;
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

ScanForm form_of(const Inputs& in) {
    const Extent &x = in.ne(arg::x), &b = in.ne(arg::b);
    const int64_t heads = x[1] / b[1];
    ScanForm f{b[0], x[0], x[1], x[2], x[3], {}, scan_entry(in, arg::b, heads), scan_entry(in, arg::c, heads), {}};
    f.decay = [&in](int64_t seq, int64_t h, int64_t t, int64_t i) {
        const int64_t width = in.ne(arg::a)[0];
        return std::exp(step_of(in, seq, h, t) * in.value[arg::a][size_t(h * width + (width == 1 ? 0 : i))]);
    };
    f.value = [&in, of = scan_entry(in, arg::x)](int64_t seq, int64_t h, int64_t t, int64_t j) {
        return step_of(in, seq, h, t) * of(seq, h, t, j);
    };
    if (in.has(arg::d))
        f.result = [&in, of = scan_entry(in, arg::x)](int64_t seq, int64_t h, int64_t t, int64_t j, double y) {
            return y + in.value[arg::d][size_t(h)] * of(seq, h, t, j);
        };
    return f;
}

void check_decay(Lab& lab) {
    Inputs in = lab.inputs();
    fill(in, arg::b, 0);
    against_decay(lab, in, form_of(in));
}

void check_sum(Lab& lab) {
    const Inputs in = lab.inputs("decays=zero");  // a = 0
    against_sum(lab, in, form_of(in));
}

void check_forget(Lab& lab) {
    Inputs in = lab.inputs();
    fill(in, arg::a, -1e6);
    against_forget(lab, in, form_of(in));
}

/// A step of zero is no step: the state stays, bit for bit.
void check_still(Lab& lab) {
    const Inputs in = lab.inputs("step=plain steps=zero bias=0");
    const ScanForm f = form_of(in);
    against(lab, in, f, [](auto...) {});
}

/// b and c given to every head of a group by hand: same bits.
void check_groups(Lab& lab) {
    const Inputs in = lab.inputs();
    Inputs wide = in;
    const int64_t H = in.ne(arg::x)[1];
    for (const int a : {arg::b, arg::c}) {
        Extent ne = in.ne(a);
        const int64_t heads = H / ne[1], rows = ne[2] * ne[3];
        std::vector<double> x;
        for (int64_t row = 0; row < rows; ++row)
            for (int64_t h = 0; h < H; ++h) {
                const double* from = &in.value[size_t(a)][size_t((row * ne[1] + h / heads) * ne[0])];
                x.insert(x.end(), from, from + ne[0]);
            }
        ne[1] = H;
        wide.put(a, ne, std::move(x));
    }
    const Outcome want = lab.run(in), got = lab.run(wide);
    for (const int a : {arg::out, arg::state_out}) {
        const std::vector<double>&w = want.value[size_t(a)], &g = got.value[size_t(a)];
        if (!lab.same(lab.op.args[size_t(a)].name, w.data(), g.data(), w.size())) return;
    }
}

/// States by slot, row and head; out by sequence and head, and by sequence alone where a head is a single number: one
/// dot product can cancel to nothing.
Grouping grouping(const ops::Op& op, const ops::Call& call, int arg) {
    const Extent& x = call.arg[arg::x].ne;
    if (arg == arg::out && x[0] == 1) return by_dims(call.arg[arg::out].ne, 0b1000);
    return default_grouping(op, call, arg, x[1]);
}

std::string random_line(Dice& d) {
    const int64_t groups = 1 + d.below(3);
    std::ostringstream s;
    s << "d_state=" << 16 * (1 + d.below(d.one_in(12) ? 16 : 9)) << " head_dim=" << d.of({"1", "4", "20", "32", "64"})
      << " H=" << groups * (1 + d.below(4)) << " n_group=" << groups << " a_width=" << d.of({"scalar", "state"})
      << " skip=" << d.below(2) << " bias=" << d.below(2) << " step=" << d.of({"softplus", "plain"})
      << random_scan(d, {"packed", "permuted", "padded", "odd", "joint"});
    return s.str();
}

}  // namespace

Suite ssm_scan() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::x].ne[1]; };
    s.grouping = grouping;
    s.token_dim = {{"dt", 1}};
    s.check("decay", check_decay);
    s.check("sum", check_sum);
    s.check("forget", check_forget);
    s.check("still", check_still);
    s.check("groups", check_groups);
    return s;
}

}  // namespace rw::test::ops_suites
