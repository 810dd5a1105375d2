// GATED_DELTA_NET_RING: the law of its positions, and its agreement with the snapshot form.
#include "rewind/ops/gated_delta_net_ring.h"

#include <algorithm>

#include "rewind/ops/gated_delta_net.h"
#include "rewind/ops/gated_delta_net_materialize.h"
#include "tests/driver/calls.h"
#include "tests/ops/gdn.h"

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

Inputs materialize_at(const Inputs& ring, const Outcome& got, const std::vector<int64_t>& pos) {
    Inputs in = converted(ops::find("GATED_DELTA_NET_MATERIALIZE"), ring);
    for (const char* name : {"base", "ring_k", "ring_d", "ring_g"})
        in.value[size_t(in.op->arg_index(name))] = got.value[size_t(ring.op->arg_index(name))];
    in.put_list(view::arg::pos, pos);
    in.put(view::arg::state, {ring.ne(arg::base)[0], 1, int64_t(pos.size()), 1}, {});
    return in;
}

/// One call from position 0 against the snapshot form with a slot for every token: the rows, and the state
/// materialised after each of the positions that are still valid.
void check_snapshots(Lab& lab) {
    const Inputs in = lab.inputs();
    const int64_t T = in.ne(arg::v)[2], B = in.ne(arg::v)[3], n_base = in.ne(arg::base)[1], D = in.ne(arg::base)[0];
    for (int64_t b = 0; b < B; ++b)
        if (in.index(arg::pos, b, 0) != 0) throw Error(Status::invalid_argument, "check=snapshots: starts at pos=0");
    const Outcome ring = lab.run(in);

    Inputs slots = converted(ops::find("GATED_DELTA_NET"), in);
    std::vector<double> states;  // base slot 0 is the state at position 0
    for (int64_t b = 0; b < B; ++b) {
        const double* base = in.value[arg::base].data() + b * n_base * D;
        states.insert(states.end(), base, base + D);
    }
    slots.put(classic::arg::state, {D, 1, B, 1}, states);
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
    for (int64_t p = std::max<int64_t>(oldest(in.shape(), T), 1); p <= T; ++p) {
        const Inputs at = materialize_at(in, ring, std::vector<int64_t>(size_t(B), p));
        const Outcome got = run_other(lab, at);
        for (int64_t b = 0; b < B; ++b)
            compare_heads("state at " + std::to_string(p),
                          want.value[classic::arg::state_out].data() + (b * T + p - 1) * D,
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

}  // namespace

Suite gated_delta_net_ring() {
    Suite s;
    s.random = random_line;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::v].ne[1]; };
    s.oldest = oldest, s.oldest_is_tight = true;
    s.check("snapshots", check_snapshots);
    return s;
}

}  // namespace rw::test::ops_suites
