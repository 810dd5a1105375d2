// Closed forms of the scan family (rewind/ops/scan.h): with no keys, no decay or nothing but decay, the states are a
// product, a sum, or the last term alone.
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

/// A head's state before the call, with plain slots: S[j * S_k + i].
inline std::vector<double> scan_state(const Inputs& in, const ScanForm& f, int64_t b, int64_t h) {
    const int state = in.op->arg_index("state");
    const double* from = in.value[size_t(state)].data() + (b * in.ne(state)[1] * f.H + h) * f.S_v * f.S_k;
    return {from, from + f.S_v * f.S_k};
}

/// Makes of the state of (b, h) before token t the one after it.
using ScanToken = std::function<void(int64_t b, int64_t h, int64_t t, std::vector<double>& S)>;

/// Runs a plain call (no index vectors, packed) and compares everything that it has to write.
inline void against(Lab& lab, const Inputs& in, const ScanForm& f, const ScanToken& token) {
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
    const auto write = [&](int a, int64_t at, const std::vector<double>& x) {
        std::copy(x.begin(), x.end(), want.value[size_t(a)].begin() + at);
        std::fill_n(want.written[size_t(a)].begin() + at, x.size(), uint8_t(1));
    };
    std::vector<double> q(size_t(f.S_k)), y(size_t(f.S_v));
    for (int64_t b = 0; b < f.B; ++b)
        for (int64_t h = 0; h < f.H; ++h) {
            std::vector<double> S = scan_state(in, f, b, h);
            for (int64_t t = 0; t < f.T; ++t) {
                token(b, h, t, S);
                for (int64_t i = 0; i < f.S_k; ++i) q[size_t(i)] = f.query(b, h, t, i);
                for (int64_t j = 0; j < f.S_v; ++j) {
                    double sum = 0;
                    for (int64_t i = 0; i < f.S_k; ++i) sum += q[size_t(i)] * S[size_t(j * f.S_k + i)];
                    y[size_t(j)] = f.result(b, h, t, j, sum);
                }
                write(out, ((b * f.T + t) * f.H + h) * f.S_v, y);
                const int slot = ops::kept_slot(int(t), int(f.T), int(K), order);
                if (slot >= 0) write(state_out, ((b * K + slot) * f.H + h) * f.S_v * f.S_k, S);
            }
        }
    lab.compare_all(want, in, lab.run(in));
    lab.compared = 1;  // compare_all judges trust itself
}

/// No keys: nothing is learnt, every entry decays by the product of its factors.
inline void against_decay(Lab& lab, const Inputs& in, const ScanForm& f) {
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, std::vector<double>& S) {
        for (int64_t i = 0; i < f.S_k; ++i) {
            const double factor = f.decay(b, h, t, i);
            for (int64_t j = 0; j < f.S_v; ++j) S[size_t(j * f.S_k + i)] *= factor;
        }
    });
}

/// Adds the token's outer product.
inline void add_token(const ScanForm& f, int64_t b, int64_t h, int64_t t, std::vector<double>& S) {
    std::vector<double> key;
    for (int64_t i = 0; i < f.S_k; ++i) key.push_back(f.key(b, h, t, i));
    for (int64_t j = 0; j < f.S_v; ++j) {
        const double value = f.value(b, h, t, j);
        for (int64_t i = 0; i < f.S_k; ++i) S[size_t(j * f.S_k + i)] += key[size_t(i)] * value;
    }
}

/// Unit decay: the state is a running sum of outer products.
inline void against_sum(Lab& lab, const Inputs& in, const ScanForm& f) {
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, std::vector<double>& S) { add_token(f, b, h, t, S); });
}

/// Zero decay: the state is the last token's outer product and nothing else.
inline void against_forget(Lab& lab, const Inputs& in, const ScanForm& f) {
    against(lab, in, f, [&](int64_t b, int64_t h, int64_t t, std::vector<double>& S) {
        std::fill(S.begin(), S.end(), 0.0);
        add_token(f, b, h, t, S);
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
