// Relations that hold for every op that keeps its memory by position: rolling back is setting pos.
#include <algorithm>

#include "tests/driver/calls.h"
#include "tests/driver/checks.h"

namespace rw::test {
namespace {

using Memory = std::vector<std::vector<double>>;  // one an inout argument, all sequences

Memory memory_of(const RingForm& form, const Inputs& in) {
    Memory m;
    for (const int arg : form.memory) m.push_back(in.value[size_t(arg)]);
    return m;
}

/// Decodes streams of tokens over one memory. `junk` has the wrong tokens.
class Decoder {
public:
    Decoder(Lab& lab, const RingForm& form, const Inputs& truth, const Inputs& junk)
        : lab_(lab), form_(form), truth_(truth), junk_(junk), memory_(memory_of(form, truth)) {
        const TokenArg& out = form.out.front();
        B = truth.ne(out.arg)[size_t(out.dim) + 1];
        for (int64_t b = 0; b < B; ++b) list_.push_back(whole_sequence(form, truth, b));
    }

    /// Runs n[b] tokens of sequence b at position pos[b]; those from right[b] on are wrong ones. Returns their rows.
    std::vector<std::vector<std::vector<double>>> run(const std::vector<int64_t>& pos, const std::vector<int64_t>& n,
                                                      const std::vector<int64_t>& right) {
        std::vector<Piece> good, bad;
        for (size_t b = 0; b < list_.size(); ++b) {
            good.push_back({&truth_, list_[b], pos[b], pos[b] + n[b]});
            bad.push_back({&junk_, list_[b], pos[b], pos[b] + n[b]});
        }
        Inputs call = tokens_of(form_, good);
        replace_tail(form_, call, tokens_of(form_, bad), right);
        call.put_list(form_.pos, pos);
        for (size_t i = 0; i < memory_.size(); ++i) call.value[size_t(form_.memory[i])] = memory_[i];
        const Outcome got = lab_.run(call);
        memory_.clear();
        for (const int arg : form_.memory) memory_.push_back(got.value[size_t(arg)]);
        std::vector<std::vector<std::vector<double>>> rows(list_.size());
        for (size_t b = 0; b < list_.size(); ++b)
            for (int64_t t = 0; t < n[b]; ++t)
                rows[b].push_back(out_row(form_, call, got, {int64_t(b), int64_t(b), n[b], 0, 0, int64_t(b)}, t));
        return rows;
    }

    /// The rows of `count` tokens of every sequence from position 0, one token a call.
    std::vector<std::vector<std::vector<double>>> serial(int64_t count) {
        std::vector<std::vector<std::vector<double>>> rows(list_.size());
        const std::vector<int64_t> one(list_.size(), 1);
        for (int64_t t = 0; t < count; ++t) {
            const auto got = run(std::vector<int64_t>(list_.size(), t), one, one);
            for (size_t b = 0; b < list_.size(); ++b) rows[b].push_back(got[b][0]);
        }
        return rows;
    }

    int64_t B;

private:
    Lab& lab_;
    const RingForm& form_;
    const Inputs &truth_, &junk_;
    Memory memory_;
    std::vector<Sequence> list_;
};

struct Streams {
    RingForm form;
    Inputs truth, junk;
    int64_t T;  // longest call
    std::function<int64_t(int64_t)> oldest;
};

/// The case's T is the longest call; `length` tokens are made.
Streams streams(Lab& lab, int64_t length) {
    const RingForm form(lab.op, lab.suite);
    const Inputs shape = lab.inputs();
    const std::string words = "T=" + std::to_string(length) + " path=auto";
    Streams s{form, lab.inputs(words), lab.inputs(words, lab.seed + 1), whole_sequence(form, shape, 0).n, {}};
    for (Inputs* in : {&s.truth, &s.junk})  // what a stream's length means for `path` does not concern its pieces
        in->example.attr[size_t(form.path)] = shape.example.attr[size_t(form.path)];
    if (!lab.suite.oldest) throw Error(Status::internal, std::string(lab.op.name) + ": its suite has no `oldest`");
    s.oldest = [shape, &lab](int64_t H) { return lab.suite.oldest(shape.shape(), H); };
    return s;
}

bool same_rows(Lab& lab, const std::string& where, const std::vector<std::vector<double>>& want, int64_t at,
               const std::vector<std::vector<double>>& got, int64_t count, bool bits) {
    for (int64_t t = 0; t < count; ++t) {
        const auto& w = want[size_t(at + t)];
        const std::string what = where + "position " + std::to_string(at + t);
        if (!lab.same_or_close(bits, what, w.data(), got[size_t(t)].data(), w.size(), 4e-7)) return false;
    }
    return true;
}

/// Calls of any lengths = single tokens, for all sequences together, each at its own pace.
void check_grouping(Lab& lab) {
    const Inputs shape = lab.inputs();
    const bool bits = exact(shape);
    const int64_t length = 4 * field(shape, "W", 16) * field(shape, "n_base", 2) + 5;
    const Streams s = streams(lab, length);
    const auto want = Decoder(lab, s.form, s.truth, s.junk).serial(length);
    for (int64_t attempt = 0; attempt < 3 && lab.problems.empty(); ++attempt) {
        Decoder decoder(lab, s.form, s.truth, s.junk);
        std::vector<int64_t> pos(size_t(decoder.B), 0);
        for (uint64_t call = 0; std::any_of(pos.begin(), pos.end(), [&](int64_t p) { return p < length; }); ++call) {
            std::vector<int64_t> n;
            for (int64_t b = 0; b < decoder.B; ++b) {
                const int64_t most = std::min(s.T, length - pos[size_t(b)]);
                const uint64_t draw = (uint64_t(attempt) * 4096 + call) * 8 + uint64_t(b);
                n.push_back(attempt == 0 ? most : int64_t(lab.random(draw, uint64_t(most) + 1)));
            }
            const auto rows = decoder.run(pos, n, n);
            for (int64_t b = 0; b < decoder.B; ++b) {
                const std::string where = "attempt " + std::to_string(attempt) + ", sequence " + std::to_string(b) + ", ";
                if (!same_rows(lab, where, want[size_t(b)], pos[size_t(b)], rows[size_t(b)], n[size_t(b)], bits)) return;
                pos[size_t(b)] += n[size_t(b)];
            }
        }
    }
}

/// 250 rounds of draft, verify, partly reject by a smaller pos; single steps between; now and then a return to the
/// oldest position that the law allows.
void check_rollback(Lab& lab) {
    const Inputs shape = lab.inputs();
    constexpr int64_t rounds = 250;
    const int64_t length = 120 + 6 * field(shape, "W", 16) * field(shape, "n_base", 2);
    const Streams s = streams(lab, length + 2 * whole_sequence(RingForm(lab.op, lab.suite), shape, 0).n);
    const auto want = Decoder(lab, s.form, s.truth, s.junk).serial(length);
    Decoder decoder(lab, s.form, s.truth, s.junk);
    std::vector<int64_t> pos(size_t(decoder.B), 0), highest = pos, deepest = pos;
    for (int64_t r = 0; r < rounds; ++r) {
        std::vector<int64_t> n, right;
        for (size_t b = 0; b < pos.size(); ++b) {
            const uint64_t draw = (uint64_t(r) * 8 + uint64_t(b)) * 4;
            if (r % 9 == 7 || pos[b] >= length) {  // far back, at the very edge every other time
                const int64_t edge = s.oldest(highest[b]);
                deepest[b] = std::max(deepest[b], highest[b] - edge);
                pos[b] = r % 2 ? edge : edge + int64_t(lab.random(draw, uint64_t(pos[b] - edge + 1)));
                pos[b] = std::min(pos[b], length - 1);
            }
            n.push_back(r % 5 == 3 ? 1 : 1 + int64_t(lab.random(draw + 1, uint64_t(s.T))));
            right.push_back(std::min(int64_t(lab.random(draw + 2, uint64_t(n.back()) + 1)), length - pos[b]));
        }
        const auto rows = decoder.run(pos, n, right);
        for (size_t b = 0; b < pos.size(); ++b) {
            const std::string where = "round " + std::to_string(r) + ", sequence " + std::to_string(b) + ", ";
            if (!same_rows(lab, where, want[b], pos[b], rows[b], right[b], true)) return;
            highest[b] = std::max(highest[b], pos[b] + n[b]);
            pos[b] += right[b];
        }
    }
    if (*std::min_element(deepest.begin(), deepest.end()) == 0) lab.fail("the rounds never went back");
}

/// Right tokens up to p, wrong ones from there to H; then back to p. The rows from p on.
std::vector<std::vector<std::vector<double>>> go_back(Lab& lab, const Streams& s, int64_t p, int64_t H, int64_t n) {
    Decoder decoder(lab, s.form, s.truth, s.junk);
    const auto all = [&](int64_t x) { return std::vector<int64_t>(size_t(decoder.B), x); };
    for (int64_t at = 0; at < H;) {
        const int64_t step = std::min(s.T, H - at);
        decoder.run(all(at), all(step), all(std::clamp<int64_t>(p - at, 0, step)));
        at += step;
    }
    return decoder.run(all(p), all(n), all(n));
}

/// The law at its edge, for every phase of H within two turns of the ring: back to the oldest position that H leaves
/// valid. One before it must be wrong where the op says that the law is tight, else this proved little.
void check_edge(Lab& lab) {
    const Inputs shape = lab.inputs();
    const int64_t turn = field(shape, "W", 16) * field(shape, "n_base", 2);
    const Streams s = streams(lab, 2 * turn + 2 * whole_sequence(RingForm(lab.op, lab.suite), shape, 0).n);
    const auto want = Decoder(lab, s.form, s.truth, s.junk).serial(2 * turn + s.T);
    for (int64_t H = 1; H <= 2 * turn && lab.problems.empty(); ++H) {
        const int64_t p = s.oldest(H);
        if (p > H) return lab.fail("the oldest position of H = " + std::to_string(H) + " is past it");
        const auto rows = go_back(lab, s, p, H, s.T);
        const std::string where = "H " + std::to_string(H) + ", back to " + std::to_string(p) + ", ";
        for (size_t b = 0; b < rows.size(); ++b)
            if (!same_rows(lab, where, want[b], p, rows[b], s.T, true)) return;
        if (p == 0 || !lab.suite.oldest_is_tight) continue;
        const auto beyond = go_back(lab, s, p - 1, H, 1);
        for (size_t b = 0; b < beyond.size(); ++b)
            if (beyond[b][0] == want[b][size_t(p - 1)]) lab.fail(where + "and one before it is right too");
    }
}

}  // namespace

bool has_ring(const ops::Op& op) {
    const bool in_place = std::any_of(op.args.begin(), op.args.end(), [](auto& a) { return a.use == ops::Use::inout; });
    return in_place && op.arg_index("pos") >= 0;
}

void add_ring_checks(Suite& suite) {
    suite.check("grouping", check_grouping);
    suite.check("rollback", check_rollback);
    suite.check("edge", check_edge);
}

}  // namespace rw::test
