// Relations that hold for every op with slots, whatever it computes.
#include <algorithm>
#include <limits>

#include "tests/driver/calls.h"
#include "tests/driver/checks.h"

namespace rw::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::string at(const char* what, const Sequence& s, int64_t t) {
    return std::string(what) + " of sequence " + std::to_string(s.b) + " after token " + std::to_string(t);
}

double out_tolerance(const Lab& lab, const SlotForm& form, const Inputs& in) {
    return 4 * lab.op.tolerance(in.shape(), form.out.front().arg);  // both sides may be off by one tolerance
}

/// Sequence s of one run against sequence r of another: all output rows, all slots.
void same_sequence(Lab& lab, const SlotForm& form, bool bits, const Inputs& x, const Outcome& gx, const Sequence& s,
                   const Inputs& y, const Outcome& gy, const Sequence& r) {
    const double tolerance = out_tolerance(lab, form, x);
    for (int64_t t = 0; t < s.n; ++t) {
        const auto want = out_row(form, x, gx, s, t), got = out_row(form, y, gy, r, t);
        if (!lab.same_or_close(bits, at("out row", s, t), want.data(), got.data(), want.size(), tolerance)) return;
        const int64_t k = kept(form, x, t + 1, s.n), l = kept(form, y, t + 1, s.n);
        if (k < 0 || l < 0) continue;
        const State a = slot_state(form, x, gx, s.row, k), b = slot_state(form, y, gy, r.row, l);
        if (!lab.same_or_close(bits, at("state", s, t), a.data(), b.data(), a.size(), tolerance)) return;
    }
}

/// One call = its tokens one by one, each sequence alone. Says at once: any partition into single tokens, slot s is
/// the state of the shorter call, sequences do not depend on each other, outputs not on K, layout or pool rows.
void check_serial(Lab& lab) {
    const SlotForm form(lab.op, lab.suite);
    const Inputs in = lab.inputs();
    const Outcome got = lab.run(in, true);
    const bool bits = exact(in);
    const double tolerance = out_tolerance(lab, form, in);
    for (const Sequence& s : sequences(form, in)) {
        const Serial want = serial(lab, form, in, s, initial_state(form, in, s));
        for (int64_t t = 0; t < s.n; ++t) {
            const auto& row = want.out[size_t(t)];
            const auto have = out_row(form, in, got, s, t);
            if (!lab.same_or_close(bits, at("out row", s, t), row.data(), have.data(), row.size(), tolerance)) return;
            const int64_t k = kept(form, in, t + 1, s.n);
            if (k < 0) continue;
            const State state = slot_state(form, in, got, s.row, k);
            const State& known = want.state[size_t(t)];
            if (!lab.same_or_close(bits, at("state", s, t), known.data(), state.data(), state.size(), tolerance)) return;
        }
    }
}

/// Cuts [0, n) after every token whose bit is set in the mask.
std::vector<int64_t> cuts(int64_t n, const std::function<bool(int64_t)>& cut_after) {
    std::vector<int64_t> ends;
    for (int64_t t = 1; t < n; ++t)
        if (cut_after(t)) ends.push_back(t);
    ends.push_back(n);
    return ends;
}

/// All sequences in one batch, each advanced along its own cuts, with as many slots as the step likes.
void run_partition(Lab& lab, const SlotForm& form, const Inputs& in, const Outcome& whole,
                   const std::vector<Sequence>& list, const std::vector<std::vector<int64_t>>& ends, uint64_t salt) {
    std::vector<State> state;
    std::vector<int64_t> done(list.size(), 0);
    std::vector<size_t> step(list.size(), 0);
    for (const Sequence& s : list) state.push_back(initial_state(form, in, s));
    for (;;) {
        std::vector<Piece> pieces;
        std::vector<size_t> who;
        for (size_t i = 0; i < list.size(); ++i)
            if (done[i] < list[i].n) {
                who.push_back(i);
                pieces.push_back({&in, list[i], done[i], ends[i][step[i]++], &state[i]});
            }
        if (pieces.empty()) return;
        const int64_t K = 1 + int64_t(lab.random(salt * 1000 + uint64_t(done[who[0]]), 4));
        const Inputs call = call_of(form, pieces, K);
        const Outcome got = lab.run(call);
        for (size_t p = 0; p < pieces.size(); ++p) {
            const Sequence& s = list[who[p]];
            const int64_t n = pieces[p].t1 - pieces[p].t0;
            const Sequence mine{int64_t(p), int64_t(p), n, 0, 0, int64_t(p)};
            for (int64_t t = 0; t < n; ++t) {
                const int64_t token = pieces[p].t0 + t;
                const auto want = out_row(form, in, whole, s, token), have = out_row(form, call, got, mine, t);
                if (!lab.same(at("out row", s, token), want.data(), have.data(), want.size())) return;
            }
            state[who[p]] = slot_state(form, call, got, int64_t(p), kept(form, call, n, n));
            done[who[p]] = pieces[p].t1;
            const int64_t k = kept(form, in, done[who[p]], s.n);
            if (k < 0) continue;
            const State want = slot_state(form, in, whole, s.row, k);
            if (!lab.same(at("state", s, done[who[p]]), want.data(), state[who[p]].data(), want.size())) return;
        }
    }
}

/// One call = the same tokens split anywhere, bit for bit: all partitions up to 6 tokens, else some random ones.
void check_partition(Lab& lab) {
    const SlotForm form(lab.op, lab.suite);
    const Inputs in = lab.inputs();
    if (!exact(in)) throw Error(Status::invalid_argument, "check=partition: bits are promised for path=exact only");
    const Outcome whole = lab.run(in, true);
    const auto list = sequences(form, in);
    int64_t longest = 0;
    for (const Sequence& s : list) longest = std::max(longest, s.n);
    const uint64_t tries = longest <= 6 ? 1ull << std::max<int64_t>(longest - 1, 0) : 8;
    for (uint64_t i = 0; i < tries && lab.problems.empty(); ++i) {
        std::vector<std::vector<int64_t>> ends;
        for (const Sequence& s : list)
            ends.push_back(cuts(s.n, [&](int64_t t) {
                if (longest <= 6) return (i >> (t - 1) & 1) != 0;
                return lab.random((i * 64 + uint64_t(s.b)) * 8192 + uint64_t(t), 2 + i * 3) == 0;
            }));
        run_partition(lab, form, in, whole, list, ends, i);
    }
}

/// Everything that belongs to the other sequences becomes NaN; then the sequence is run alone.
void check_sequences(Lab& lab) {
    const SlotForm form(lab.op, lab.suite);
    const Inputs in = lab.inputs();
    const Outcome got = lab.run(in, true);
    for (const Sequence& s : sequences(form, in)) {
        Inputs others = in;
        for (const TokenArg& a : form.in) {
            if (!in.has(a.arg)) continue;
            const Extent& ne = in.ne(a.arg);
            const int64_t lanes = ne[size_t(a.dim) + 1], T = ne[size_t(a.dim)];
            std::vector<double>& x = others.value[size_t(a.arg)];
            const int64_t size = int64_t(x.size()) / (lanes * T);
            for (int64_t lane = 0; lane < lanes; ++lane)
                for (int64_t t = 0; t < T; ++t)
                    if (lane != s.lane % lanes || t < s.token || t >= s.token + s.n)
                        std::fill_n(x.begin() + (lane * T + t) * size, size, nan);
        }
        const Extent& ne = in.ne(form.state);
        std::vector<double>& x = others.value[size_t(form.state)];
        for (int64_t slot = 0; slot < ne[1] * ne[2]; ++slot)
            if (slot != s.row * ne[1] + s.slot) std::fill_n(x.begin() + slot * ne[0], ne[0], nan);
        same_sequence(lab, form, true, in, got, s, others, lab.run(others, true), s);

        const State state = initial_state(form, in, s);
        const Inputs alone = call_of(form, {{&in, s, 0, s.n, &state}}, in.ne(form.state_out)[1]);
        same_sequence(lab, form, exact(in) && exact(alone), in, got, s, alone, lab.run(alone),
                      {0, 0, s.n, 0, 0, 0});
    }
}

/// Slot s is the final state of the shorter call, and nothing depends on how many slots there are.
void check_slots(Lab& lab) {
    const SlotForm form(lab.op, lab.suite);
    const Inputs in = lab.inputs();
    const Outcome got = lab.run(in, true);
    const double tolerance = out_tolerance(lab, form, in);
    for (const Sequence& s : sequences(form, in)) {
        const State state = initial_state(form, in, s);
        for (int64_t m = 1; m <= s.n; ++m) {
            const int64_t k = kept(form, in, m, s.n);
            if (k < 0) continue;
            const Inputs shorter = call_of(form, {{&in, s, 0, m, &state}}, 1);
            const Outcome final = lab.run(shorter);
            const State want = slot_state(form, shorter, final, 0, 0), have = slot_state(form, in, got, s.row, k);
            const bool bits = exact(in) && exact(shorter);
            if (!lab.same_or_close(bits, at("state", s, m - 1), want.data(), have.data(), want.size(), tolerance)) return;
        }
        for (const int64_t K : {int64_t(1), s.n + 2}) {
            const Inputs other = call_of(form, {{&in, s, 0, s.n, &state}}, K);
            same_sequence(lab, form, exact(in) && exact(other), in, got, s, other, lab.run(other),
                          {0, 0, s.n, 0, 0, 0});
        }
    }
}

/// The same sequences in other pool rows and input slots, and packed: addresses must not reach the arithmetic.
void check_pool(Lab& lab) {
    const SlotForm form(lab.op, lab.suite);
    const Inputs in = lab.inputs();
    const auto list = sequences(form, in);
    if (list.empty()) return;
    std::vector<State> states;
    std::vector<Piece> pieces;
    for (const Sequence& s : list) states.push_back(initial_state(form, in, s));
    for (size_t i = 0; i < list.size(); ++i) pieces.push_back({&in, list[i], 0, list[i].n, &states[i]});
    const int64_t K = in.ne(form.state_out)[1], B = int64_t(list.size()), D = in.ne(form.state)[0];
    Inputs plain = call_of(form, pieces, K);
    if (form.path >= 0) plain.example.attr[size_t(form.path)] = exact(plain) ? 1 : 2;
    const Outcome want = lab.run(plain);

    Inputs moved = plain;
    const int64_t P = B + 2, slots = 3;
    std::vector<double> pool(size_t(D * slots * P), nan);
    std::vector<int64_t> rows, in_slots;
    for (int64_t b = 0; b < B; ++b) {
        rows.push_back((b * (P - 1) + 1) % P), in_slots.push_back((b + 1) % slots);
        std::copy(states[size_t(b)].begin(), states[size_t(b)].end(),
                  pool.begin() + (rows.back() * slots + in_slots.back()) * D);
    }
    moved.put(form.state, {D, slots, P, 1}, std::move(pool));
    moved.put(form.state_out, {D, K, P, 1}, {});
    moved.put_list(form.seq, rows), moved.put_list(form.in_slot, in_slots);
    const Outcome got = lab.run(moved);
    for (int64_t b = 0; b < B; ++b) {
        const int64_t n = list[size_t(b)].n;
        same_sequence(lab, form, true, plain, want, {b, b, n, 0, 0, b}, moved, got, {b, rows[size_t(b)], n, 0, 0, b});
    }
    const Inputs dense = packed(form, moved);
    const Outcome again = lab.run(dense);
    for (int64_t b = 0; b < B; ++b) {
        const int64_t n = list[size_t(b)].n;
        same_sequence(lab, form, true, plain, want, {b, b, n, 0, 0, b}, dense, again,
                      {b, rows[size_t(b)], n, dense.index(form.first, b, 0), 0, 0});
    }
}

}  // namespace

bool has_slots(const ops::Op& op) {
    return op.arg_index("state") >= 0 && op.arg_index("state_out") >= 0 && op.arg_index("in_slot") >= 0;
}

void add_slot_checks(Suite& suite) {
    suite.relation("serial", check_serial);
    suite.relation("partition", check_partition);
    suite.relation("sequences", check_sequences);
    suite.relation("slots", check_slots);
    suite.relation("pool", check_pool);
}

}  // namespace rw::test
