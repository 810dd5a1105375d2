// Closed forms of the scan family (rewind/ops/scan.h): with no keys, no decay or nothing but decay, the state after
// token t is known without running the recurrence.
#pragma once

#include <sstream>

#include "rewind/ops/scan.h"
#include "tests/driver/suite.h"

namespace rw::test {

/// What a token of an op is: entry i of decay, key and query, value_j, and out[j] from y_j.
struct ScanForm {
    using At = std::function<double(int64_t b, int64_t h, int64_t t, int64_t i)>;
    int64_t S_k, S_v, H, T, B;
    At decay, key, query, value;
    std::function<double(int64_t b, int64_t h, int64_t t, int64_t j, double y)> result = [](auto, auto, auto, auto,
                                                                                            double y) { return y; };
};

/// Entry i of row (b, h, t) of a packed token tensor.
inline ScanForm::At scan_entry(const Inputs& in, int arg, int64_t heads_per_row = 1) {
    return [&in, arg, heads_per_row](int64_t b, int64_t h, int64_t t, int64_t i) {
        const Extent& ne = in.ne(arg);
        return in.value[size_t(arg)][size_t(((b * ne[2] + t) * ne[1] + h / heads_per_row) * ne[0] + i)];
    };
}

/// Element (i, j) of a head's state before the call, with plain slots.
inline double scan_state(const Inputs& in, const ScanForm& f, int64_t b, int64_t h, int64_t i, int64_t j) {
    const int state = in.op->arg_index("state");
    return in.value[size_t(state)][size_t(((b * in.ne(state)[1] * f.H + h) * f.S_v + j) * f.S_k + i)];
}

/// Element (i, j) of the state of (b, h) after token t.
using ScanStates = std::function<double(int64_t b, int64_t h, int64_t t, int64_t i, int64_t j)>;

/// Runs a plain call (no index vectors, packed) and compares everything that it has to write.
inline void against(Lab& lab, const Inputs& in, const ScanForm& f, const ScanStates& state_after) {
    const int out = lab.op.arg_index("out"), state_out = lab.op.arg_index("state_out");
    const int order = int(in.example.attr[size_t(lab.op.attr_index("order"))]);
    const int64_t K = in.ne(state_out)[1];
    Expected want{in.value, {}, 0};
    want.written.resize(in.value.size());
    for (const int a : {out, state_out}) {
        const Extent& ne = in.ne(a);
        want.value[size_t(a)].assign(size_t(ne[0] * ne[1] * ne[2] * ne[3]), 0);
        want.written[size_t(a)].assign(want.value[size_t(a)].size(), 0);
    }
    const auto write = [&](int a, int64_t at, double x) {
        want.value[size_t(a)][size_t(at)] = x, want.written[size_t(a)][size_t(at)] = 1;
    };
    for (int64_t b = 0; b < f.B; ++b)
        for (int64_t h = 0; h < f.H; ++h)
            for (int64_t t = 0; t < f.T; ++t) {
                const int slot = ops::kept_slot(int(t), int(f.T), int(K), order);
                for (int64_t j = 0; j < f.S_v; ++j) {
                    double y = 0;
                    for (int64_t i = 0; i < f.S_k; ++i) {
                        const double s = state_after(b, h, t, i, j);
                        y += f.query(b, h, t, i) * s;
                        if (slot >= 0) write(state_out, (((b * K + slot) * f.H + h) * f.S_v + j) * f.S_k + i, s);
                    }
                    write(out, ((b * f.T + t) * f.H + h) * f.S_v + j, f.result(b, h, t, j, y));
                }
            }
    lab.compare_all(want, in, lab.run(in));
    lab.compared = 1;  // compare_all judges trust itself
}

/// No keys: nothing is learnt, every entry decays by the product of its factors.
inline void against_decay(Lab& lab, const Inputs& in, const ScanForm& f) {
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, int64_t i, int64_t j) {
        double x = scan_state(in, f, b, h, i, j);
        for (int64_t s = 0; s <= t; ++s) x *= f.decay(b, h, s, i);
        return x;
    });
}

/// Unit decay: the state is a running sum of outer products.
inline void against_sum(Lab& lab, const Inputs& in, const ScanForm& f) {
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, int64_t i, int64_t j) {
        double x = scan_state(in, f, b, h, i, j);
        for (int64_t s = 0; s <= t; ++s) x += f.key(b, h, s, i) * f.value(b, h, s, j);
        return x;
    });
}

/// Zero decay: the state is the last token's outer product and nothing else.
inline void against_forget(Lab& lab, const Inputs& in, const ScanForm& f) {
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, int64_t i, int64_t j) {
        return f.key(b, h, t, i) * f.value(b, h, t, j);
    });
}

inline void fill(Inputs& in, int arg, double x) {
    for (double& e : in.value[size_t(arg)]) e = x;
}

/// Random words that the family shares.
inline std::string random_scan(Dice& d, std::initializer_list<const char*> layouts) {
    const Batch batch = random_batch(d, 60);
    std::ostringstream s;
    s << " decays=" << d.of({"mixed", "weak", "strong", "reset", "dead"}) << " layout=" << d.of(layouts)
      << " align=" << d.of({"4", "16", "64"}) << batch.words << random_slots(d, batch)
      << random_check(d, {"serial", "partition", "sequences", "slots", "pool"});
    return s.str();
}

}  // namespace rw::test
