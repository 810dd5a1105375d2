// GATED_DELTA_NET_RING: the law of its positions, and its agreement with the snapshot form.
#include "rewind/ops/gated_delta_net_ring.h"

#include <algorithm>

#include "rewind/ops/gated_delta_net.h"
#include "rewind/ops/gated_delta_net_materialize.h"
#include "tests/driver/calls.h"
#include "tests/ops/gdn.h"
#include "tests/ops/gdn_forms.h"

namespace rw::test::ops_suites {
namespace {

using namespace ops::gated_delta_net_ring;
namespace classic = ops::gated_delta_net;
namespace view = ops::gated_delta_net_materialize;

int64_t oldest(const ops::Call& call, int64_t H) {
    const int64_t n_base = call.arg[arg::base].ne[1], W = call.arg[arg::ring_k].ne[2] / n_base;
    return W * std::max<int64_t>(0, H / W - n_base + 1);
}

/// A call of another op on the same device: its first implementation that takes it, inside the same guards.
Outcome run_other(Lab& lab, const Inputs& in) {
    const ops::Call call = in.shape();
    for (const core::Implementation* i : lab.device->implementations(in.op->id)) {
        if (!i->decline(call).empty()) continue;
        Lab other(*in.op, suite_of(*in.op), lab.test, lab.seed, lab.device, i->name());
        Outcome got = other.run(in);
        for (const std::string& p : other.problems) lab.fail(in.op->name + (": " + p));
        return got;
    }
    throw Declined(std::string(in.op->name) + ": no implementation on this device");
}

/// The arguments both ops have, by name.
Inputs converted(const ops::Op& to, const Inputs& from) {
    Inputs in;
    in.op = &to, in.align = from.align, in.seed = from.seed;
    in.example.arg.resize(to.args.size()), in.value.resize(to.args.size());
    in.example.attr = ops::make_call(to).attr;
    for (size_t i = 0; i < to.args.size(); ++i) {
        const int same = from.op->arg_index(to.args[i].name);
        if (same < 0) continue;
        in.example.arg[i] = from.example.arg[size_t(same)];
        in.value[i] = from.value[size_t(same)];
    }
    for (size_t i = 0; i < to.attrs.size(); ++i) {
        const int same = from.op->attr_index(to.attrs[i].name);
        if (same >= 0) in.example.attr[i] = from.example.attr[size_t(same)];
    }
    return in;
}

/// `value`: of the ring op's arguments, by its indices.
Inputs materialize_at(const Inputs& ring, const std::vector<std::vector<double>>& value, const std::vector<int64_t>& pos) {
    Inputs in = converted(ops::find("GATED_DELTA_NET_MATERIALIZE"), ring);
    for (const char* name : {"base", "ring_k", "ring_d", "ring_g"})
        in.value[size_t(in.op->arg_index(name))] = value[size_t(ring.op->arg_index(name))];
    in.put_list(view::arg::pos, pos);
    in.put(view::arg::state, {ring.ne(arg::base)[0], 1, int64_t(pos.size()), 1}, {});
    return in;
}

/// One call against the snapshot form with a slot for every token: the rows, and the state materialised after each of
/// its positions that are still valid. The state it starts from is what the definition makes of base and ring at pos.
void check_snapshots(Lab& lab) {
    const Inputs in = lab.inputs();
    const int64_t T = in.ne(arg::v)[2], B = in.ne(arg::v)[3], D = in.ne(arg::base)[0];
    std::vector<int64_t> pos;
    for (int64_t b = 0; b < B; ++b) pos.push_back(in.index(arg::pos, b, 0));
    const Outcome ring = lab.run(in);

    Inputs slots = converted(ops::find("GATED_DELTA_NET"), in);
    slots.put(classic::arg::state, {D, 1, B, 1}, expected(materialize_at(in, in.value, pos)).value[view::arg::state]);
    slots.put(classic::arg::state_out, {D, T, B, 1}, {});
    const Outcome want = run_other(lab, slots);

    const double tolerance = 4 * lab.op.tolerance(in.shape(), arg::out);
    const auto compare_heads = [&](const std::string& what, const double* x, const double* y, int64_t heads, int64_t n) {
        for (int64_t h = 0; h < heads; ++h)
            lab.close(what + ", head " + std::to_string(h), x + h * n, y + h * n, size_t(n), tolerance);
    };
    const int64_t S_v = in.ne(arg::v)[0], H_v = in.ne(arg::v)[1];
    for (int64_t row = 0; row < T * B; ++row)
        compare_heads("out row " + std::to_string(row), want.value[classic::arg::out].data() + row * S_v * H_v,
                      ring.value[arg::out].data() + row * S_v * H_v, H_v, S_v);
    for (int64_t t = 1; t <= T; ++t) {
        std::vector<int64_t> at;
        for (int64_t b = 0; b < B; ++b) at.push_back(pos[size_t(b)] + t);
        const Outcome got = run_other(lab, materialize_at(in, ring.value, at));
        for (int64_t b = 0; b < B; ++b)
            if (at[size_t(b)] >= oldest(in.shape(), pos[size_t(b)] + T))
                compare_heads("state at " + std::to_string(at[size_t(b)]),
                              want.value[classic::arg::state_out].data() + (b * T + t - 1) * D,
                              got.value[view::arg::state].data() + b * D, H_v, D / H_v);
    }
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    if (d.one_in(5)) {
        s << random_delta(d, {4, 2, false, ""}) << " T=" << 1 + d.below(8) << " B=2 W=4 n_base=3 path=exact check=grouping";
        return s.str();
    }
    const int64_t W = int64_t(4) << d.below(4);
    const bool exact = d.one_in(2);
    const Batch batch = random_batch(d, exact ? 3 * W : 90);
    const int64_t n_base = exact ? 1 + (batch.T + W - 1) / W + d.below(2) : 2 + d.below(4);
    s << random_delta(d, batch) << batch.words << " W=" << W << " n_base=" << n_base
      << " path=" << (exact ? "exact" : "prefill") << " pos=" << listed(d.list(batch.B, 0, 5 * W * n_base))
      << " rowg=" << d.of({"weak", "reset", "mixed"});
    return s.str();
}

/// Closed forms from a position at which a block begins, so that its base is the state: the rows, and the bases that
/// the call has to store. Whether each has to be stored, and what the rows of the ring are, the definition says.
void against(Lab& lab, const Inputs& in, const gdn_forms::ClosedForm& state_after) {
    const int64_t T = in.ne(arg::v)[2], D = in.ne(arg::base)[0], n_base = in.ne(arg::base)[1], W = field(in, "W", 16);
    const auto block = [&](int64_t b) { return in.index(arg::pos, b, 0) / W; };
    for (int64_t b = 0; b < in.ne(arg::v)[3]; ++b)
        if (in.index(arg::pos, b, 0) % W) throw Error(Status::invalid_argument, "closed forms start with a block");
    Expected want = expected(in);
    const auto write = [&](int a, int64_t at, const std::vector<double>& x) {
        std::copy(x.begin(), x.end(), want.value[size_t(a)].begin() + at);
    };
    const auto start = [&](int64_t b) { return in.value[arg::base].data() + (b * n_base + block(b) % n_base) * D; };
    gdn_forms::each_token(in, state_after, start, [&](const gdn_forms::Head& x, int64_t t, const auto& S, const auto& out) {
        write(arg::out, ((x.b * T + t) * x.H_v + x.h) * x.S_v, out);
        const int64_t ended = (t + 1) / W;  // blocks of the call that are complete
        if ((t + 1) % W == 0 && ended > T / W - n_base)
            write(arg::base, (x.b * n_base + (block(x.b) + ended) % n_base) * D + x.h * x.S_k * x.S_v, S);
    });
    lab.compare_all(want, in, lab.run(in));
    lab.compared = 1;  // compare_all judges trust itself
}

}  // namespace

Suite gated_delta_net_ring() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::v].ne[1]; };
    s.oldest = oldest, s.oldest_is_tight = true;
    s.relation("snapshots", check_snapshots);
    gdn_forms::add(s, against);
    return s;
}

}  // namespace rw::test::ops_suites
