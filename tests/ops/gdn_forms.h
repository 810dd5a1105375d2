// Closed forms of the gated delta rule: calls whose states and outputs are known without running the recurrence. For
// the slot form and the ring form alike.
#pragma once

#include <bit>
#include <cmath>

#include "rewind/ops/gated_delta_net.h"
#include "rewind/ops/gated_delta_net_ring.h"
#include "tests/driver/suite.h"

namespace rw::test::gdn_forms {

namespace arg = ops::gated_delta_net::arg;  // of the token tensors; they come first in both forms, in this order
namespace ring_arg = ops::gated_delta_net_ring::arg;
static_assert(int(arg::q) == int(ring_arg::q) && int(arg::k) == int(ring_arg::k) && int(arg::v) == int(ring_arg::v) &&
              int(arg::g) == int(ring_arg::g) && int(arg::beta) == int(ring_arg::beta));

using Rows = std::vector<double>;

/// One value head of one sequence of a plain call, as a closed form sees it. States are S[j * S_k + i].
struct Head {
    const Inputs& in;
    int64_t b, h, S_k, S_v, H_k, H_v, T;
    const double* start;  // of its state before the call

    const double* row(int a, int64_t width, int64_t heads, int64_t head, int64_t t) const {
        return in.value[size_t(a)].data() + ((b * T + t) * heads + head) * width;
    }
    int64_t key_head() const {
        const bool tiled = in.example.attr[size_t(in.op->attr_index("heads"))] == RW_HEADS_TILED;
        return tiled ? h % H_k : h / (H_v / H_k);
    }
    const double* q(int64_t t) const { return row(arg::q, S_k, H_k, key_head(), t); }
    const double* k(int64_t t) const { return row(arg::k, S_k, H_k, key_head(), t); }
    const double* v(int64_t t) const { return row(arg::v, S_v, H_v, h, t); }
    double beta(int64_t t) const { return *row(arg::beta, 1, H_v, h, t); }
    double g(int64_t t, int64_t i) const {
        const int64_t width = in.ne(arg::g)[0];
        return row(arg::g, width, H_v, h, t)[width == 1 ? 0 : i];
    }
    Rows state() const { return {start, start + S_k * S_v}; }
    /// S^T x of column j.
    double dot(const Rows& S, int64_t j, const double* x) const {
        double sum = 0;
        for (int64_t i = 0; i < S_k; ++i) sum += S[size_t(j * S_k + i)] * x[i];
        return sum;
    }
    /// S += k d^T.
    void add(Rows& S, const double* key, const std::function<double(int64_t j)>& d) const {
        for (int64_t j = 0; j < S_v; ++j) {
            const double value = d(j);  // often a sum over all of a column
            for (int64_t i = 0; i < S_k; ++i) S[size_t(j * S_k + i)] += key[i] * value;
        }
    }
};

using ClosedForm = std::function<Rows(const Head& head, int64_t t)>;  // the state after token t
/// Runs a plain call (no index vectors but pos, packed, one q/k sequence each) and compares all that it has to write.
using Against = std::function<void(Lab& lab, const Inputs& in, const ClosedForm& state_after)>;

/// f(head, t, its state after token t, its outputs of token t) for all of them. start(b): the state of sequence b.
inline void each_token(const Inputs& in, const ClosedForm& state_after, const std::function<const double*(int64_t b)>& start,
                       const std::function<void(const Head& head, int64_t t, const Rows& S, const Rows& out)>& f) {
    const int64_t S_k = in.ne(arg::q)[0], H_k = in.ne(arg::q)[1], S_v = in.ne(arg::v)[0], H_v = in.ne(arg::v)[1];
    const int64_t T = in.ne(arg::v)[2], B = in.ne(arg::v)[3];
    const double scale = 1 / std::sqrt(double(S_k));
    for (int64_t b = 0; b < B; ++b)
        for (int64_t h = 0; h < H_v; ++h) {
            const Head head{in, b, h, S_k, S_v, H_k, H_v, T, start(b) + h * S_k * S_v};
            for (int64_t t = 0; t < T; ++t) {
                const Rows S = state_after(head, t);
                Rows out;
                for (int64_t j = 0; j < S_v; ++j) out.push_back(scale * head.dot(S, j, head.q(t)));
                f(head, t, S, out);
            }
        }
}

/// Rewrites every key row: key(t, head, i).
inline void set_keys(Inputs& in, const std::function<double(int64_t t, int64_t head, int64_t i)>& key) {
    const Extent& ne = in.ne(arg::k);
    std::vector<double>& x = in.value[arg::k];
    for (size_t e = 0; e < x.size(); ++e) {
        const int64_t i = int64_t(e) % ne[0], row = int64_t(e) / ne[0];
        x[e] = key(row / ne[1] % ne[2], row % ne[1], i);
    }
}

/// Row r of a Hadamard matrix of size n, scaled to length 1: rows are orthonormal.
inline double hadamard(int64_t r, int64_t i, int64_t n) {
    return (std::popcount(uint64_t(r & i)) % 2 ? -1 : 1) / std::sqrt(double(n));
}

/// beta = 0: nothing is learnt, the state decays.
inline void check_decay(Lab& lab, const Against& against) {
    against(lab, lab.inputs("betas=zero"), [](const Head& x, int64_t t) {
        Rows S = x.state();
        for (int64_t i = 0; i < x.S_k; ++i) {
            double sum = 0;
            for (int64_t s = 0; s <= t; ++s) sum += x.g(s, i);
            for (int64_t j = 0; j < x.S_v; ++j) S[size_t(j * x.S_k + i)] *= std::exp(sum);
        }
        return S;
    });
}

/// Gate 0 and orthonormal keys: tokens do not meet, so the state is a running sum of outer products. From a zero state
/// with beta = 1 it is the sum of k v^T.
inline void check_outer_sum(Lab& lab, const Against& against) {
    Inputs in = lab.inputs("gates=zero");
    const int64_t S_k = in.ne(arg::k)[0];
    if (in.ne(arg::v)[2] > S_k) throw Error(Status::invalid_argument, "check=outer_sum: there are only S_k orthonormal keys");
    set_keys(in, [&](int64_t t, int64_t head, int64_t i) { return hadamard((5 * t + 3 * head + 1) % S_k, i, S_k); });
    against(lab, in, [](const Head& x, int64_t t) {
        const Rows S0 = x.state();
        Rows S = S0;
        for (int64_t s = 0; s <= t; ++s)
            x.add(S, x.k(s), [&](int64_t j) { return x.beta(s) * (x.v(s)[j] - x.dot(S0, j, x.k(s))); });
        return S;
    });
}

/// Gate 0, beta = 1, one-hot keys: row i of the state becomes the value last stored under it, everything else stays.
inline void check_one_hot(Lab& lab, const Against& against) {
    Inputs in = lab.inputs("gates=zero betas=one");
    const int64_t S_k = in.ne(arg::k)[0];
    const auto hot = [S_k](int64_t t, int64_t head) { return (t * t + 7 * t + head) % S_k; };
    set_keys(in, [&](int64_t t, int64_t head, int64_t i) { return double(i == hot(t, head)); });
    against(lab, in, [&](const Head& x, int64_t t) {
        Rows S = x.state();
        for (int64_t s = 0; s <= t; ++s)
            for (int64_t j = 0; j < x.S_v; ++j) S[size_t(j * x.S_k + hot(s, x.key_head()))] = x.v(s)[j];
        return S;
    });
}

/// One key over and over, gate 0, beta = 1: what was stored under it is replaced, not added to.
inline void check_same_key(Lab& lab, const Against& against) {
    Inputs in = lab.inputs("gates=zero betas=one");
    const int64_t S_k = in.ne(arg::k)[0];
    set_keys(in, [&](int64_t, int64_t head, int64_t i) { return hadamard(head + 2, i, S_k); });
    against(lab, in, [](const Head& x, int64_t t) {
        const Rows S0 = x.state();
        Rows S = S0;
        x.add(S, x.k(t), [&](int64_t j) { return x.v(t)[j] - x.dot(S0, j, x.k(t)); });
        return S;
    });
}

/// Constant gate, beta, key and value from a zero state: a geometric series, m = beta v (1 - r^n) / (1 - r) with
/// r = exp(g) (1 - beta). Long calls come to rest at beta v / (1 - r).
inline void check_geometric(Lab& lab, const Against& against) {
    Inputs in = lab.inputs("state=zero");
    constexpr float gate = -0.03f, beta = 0.05f;  // as the device sees them
    const int64_t S_k = in.ne(arg::k)[0];
    set_keys(in, [&](int64_t, int64_t head, int64_t i) { return hadamard(head + 1, i, S_k); });
    std::fill(in.value[arg::g].begin(), in.value[arg::g].end(), gate);
    std::fill(in.value[arg::beta].begin(), in.value[arg::beta].end(), beta);
    const int64_t H_v = in.ne(arg::v)[1], S_v = in.ne(arg::v)[0], T = in.ne(arg::v)[2];
    for (size_t e = 0; e < in.value[arg::v].size(); ++e) {  // every token has the values of the first
        const int64_t in_row = int64_t(e) % (S_v * H_v), lane = int64_t(e) / (S_v * H_v * T);
        in.value[arg::v][e] = in.value[arg::v][size_t(lane * S_v * H_v * T + in_row)];
    }
    const double ratio = std::exp(double(gate)) * (1 - double(beta));
    against(lab, in, [&](const Head& x, int64_t t) {
        Rows S = x.state();
        const double series = double(beta) * (1 - std::pow(ratio, double(t + 1))) / (1 - ratio);
        x.add(S, x.k(0), [&](int64_t j) { return series * x.v(0)[j]; });
        return S;
    });
}

/// One token, with the state update eliminated: o = scale (S'^T q + beta (k.q) (v - S'^T k)), S' = exp(g) S.
inline void check_single(Lab& lab, const Against& against) {
    const Inputs in = lab.inputs("T=1");
    against(lab, in, [](const Head& x, int64_t) {
        Rows S = x.state();
        for (int64_t j = 0; j < x.S_v; ++j)
            for (int64_t i = 0; i < x.S_k; ++i) S[size_t(j * x.S_k + i)] *= std::exp(x.g(0, i));
        const Rows decayed = S;
        x.add(S, x.k(0), [&](int64_t j) { return x.beta(0) * (x.v(0)[j] - x.dot(decayed, j, x.k(0))); });
        return S;
    });
}

inline void add(Suite& suite, const Against& against) {
    const auto form = [&](const char* name, void (*check)(Lab&, const Against&)) {
        suite.check(name, [=](Lab& lab) { check(lab, against); });
    };
    form("decay", check_decay), form("outer_sum", check_outer_sum), form("one_hot", check_one_hot);
    form("same_key", check_same_key), form("geometric", check_geometric), form("single", check_single);
}

}  // namespace rw::test::gdn_forms
