// Sequences of ring ops do not see each other, nor where they lie: alone, in a batch, in other pool rows, packed.
#include <algorithm>
#include <limits>

#include "tests/driver/calls.h"
#include "tests/driver/checks.h"

namespace rw::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Elements of one pool row of a memory argument.
int64_t row_size(const Inputs& in, int arg) {
    const Extent& ne = in.ne(arg);
    return ne[0] * ne[1] * ne[2] * ne[3] / ne[size_t(in.op->args[size_t(arg)].rank) - 1];
}

/// The call's memory becomes a pool of P rows: row rows[b] holds what `list[b]` has in `from`, all others are NaN.
void put_rows(const RingForm& form, Inputs& call, const Inputs& from, const std::vector<Sequence>& list, int64_t P,
              const std::vector<int64_t>& rows) {
    for (const int arg : form.memory) {
        const int64_t size = row_size(from, arg);
        std::vector<double> pool(size_t(size * P), nan);
        for (size_t b = 0; b < list.size(); ++b)
            std::copy_n(from.value[size_t(arg)].begin() + list[b].row * size, size, pool.begin() + rows[b] * size);
        Extent ne = from.ne(arg);
        ne[size_t(from.op->args[size_t(arg)].rank) - 1] = P;
        call.put(arg, ne, std::move(pool));
    }
}

/// The sequences of a call as a plain one: nothing packed, row b for sequence b.
Inputs plain_call(const RingForm& form, const Inputs& in, const std::vector<Sequence>& list) {
    std::vector<Piece> pieces;
    std::vector<int64_t> pos, rows;
    for (const Sequence& s : list) {
        pieces.push_back({&in, s, 0, s.n});
        pos.push_back(in.index(form.pos, s.b, 0)), rows.push_back(int64_t(rows.size()));
    }
    Inputs call = tokens_of(form, pieces);
    call.put_list(form.pos, pos);
    put_rows(form, call, in, list, int64_t(list.size()), rows);
    return call;
}

/// Sequence s of one run against sequence r of another: all output rows, and all of its memory.
bool same_sequence(Lab& lab, const RingForm& form, bool bits, const Inputs& x, const Outcome& gx, const Sequence& s,
                   const Inputs& y, const Outcome& gy, const Sequence& r) {
    const double tolerance = 4 * lab.op.tolerance(x.shape(), form.out.front().arg);
    const std::string who = " of sequence " + std::to_string(s.b);
    for (int64_t t = 0; t < s.n; ++t) {
        const auto want = out_row(form, x, gx, s, t), got = out_row(form, y, gy, r, t);
        if (!lab.same_or_close(bits, "out row " + std::to_string(t) + who, want.data(), got.data(), want.size(), tolerance))
            return false;
    }
    for (const int arg : form.memory) {
        const int64_t size = row_size(x, arg);
        if (!lab.same_or_close(bits, lab.op.args[size_t(arg)].name + who, &gx.value[size_t(arg)][size_t(s.row * size)],
                               &gy.value[size_t(arg)][size_t(r.row * size)], size_t(size), tolerance))
            return false;
    }
    return true;
}

/// Everything that belongs to the other sequences becomes NaN; then the sequence is run alone.
void check_sequences(Lab& lab) {
    const RingForm form(lab.op, lab.suite);
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
            for (int64_t row = 0; row < lanes * T; ++row)
                if (row / T != s.lane % lanes || row % T < s.token || row % T >= s.token + s.n)
                    std::fill_n(x.begin() + row * size, size, nan);
        }
        for (const int arg : form.memory) {
            std::vector<double>& x = others.value[size_t(arg)];
            const int64_t size = row_size(in, arg);
            std::fill(x.begin(), x.begin() + s.row * size, nan), std::fill(x.begin() + (s.row + 1) * size, x.end(), nan);
        }
        if (!same_sequence(lab, form, true, in, got, s, others, lab.run(others, true), s)) return;
        const Inputs alone = plain_call(form, in, {s});
        if (!same_sequence(lab, form, exact(in) && exact(alone), in, got, s, alone, lab.run(alone), {0, 0, s.n, 0, 0, 0}))
            return;
    }
}

/// The same sequences in other pool rows, and packed: addresses must not reach the arithmetic.
void check_pool(Lab& lab) {
    const RingForm form(lab.op, lab.suite);
    const Inputs in = lab.inputs();
    const std::vector<Sequence> list = sequences(form, in);
    if (list.empty()) return;
    Inputs plain = plain_call(form, in, list);
    if (form.path >= 0) plain.example.attr[size_t(form.path)] = exact(plain) ? 1 : 2;
    const Outcome want = lab.run(plain);

    Inputs moved = plain;
    const int64_t B = int64_t(list.size()), P = B + 2;
    std::vector<Sequence> own;
    std::vector<int64_t> rows;
    for (int64_t b = 0; b < B; ++b) own.push_back({b, b, list[size_t(b)].n, 0, 0, b}), rows.push_back((b * (P - 1) + 1) % P);
    put_rows(form, moved, plain, own, P, rows);
    moved.put_list(form.seq, rows);
    const Inputs dense = packed(form, moved);
    const Outcome got = lab.run(moved), again = lab.run(dense);
    for (const Sequence& s : own) {
        const int64_t row = rows[size_t(s.b)];
        if (!same_sequence(lab, form, true, plain, want, s, moved, got, {s.b, row, s.n, 0, 0, s.b})) return;
        const Sequence there{s.b, row, s.n, dense.index(form.first, s.b, 0), 0, 0};
        if (!same_sequence(lab, form, true, plain, want, s, dense, again, there)) return;
    }
}

}  // namespace

void add_ring_batch_checks(Suite& suite) {
    suite.relation("sequences", check_sequences);
    suite.relation("pool", check_pool);
}

}  // namespace rw::test
