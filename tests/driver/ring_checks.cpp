// Relations that hold for every op that keeps its memory by position: rolling back is setting pos.
#include <algorithm>

#include "tests/driver/checks.h"
#include "tests/driver/decoder.h"

namespace rw::test {
namespace {

/// Calls of any lengths = single tokens, for all sequences together, each at its own pace: what they return, and what
/// they leave behind.
void check_grouping(Lab& lab) {
    const Inputs shape = lab.inputs();
    const bool bits = exact(shape);
    const int64_t length = 4 * field(shape, "W", 16) * field(shape, "n_base", 2) + 5;
    const Streams s(lab, length);
    const Record want(lab, s, length);
    for (int64_t attempt = 0; attempt < 3 && lab.problems.empty(); ++attempt) {
        const std::string where = "attempt " + std::to_string(attempt) + ", ";
        Decoder decoder(lab, s);
        std::vector<int64_t> pos(size_t(s.B), 0);
        for (uint64_t call = 0; std::any_of(pos.begin(), pos.end(), [&](int64_t p) { return p < length; }); ++call) {
            std::vector<int64_t> n;
            for (size_t b = 0; b < pos.size(); ++b) {
                const int64_t most = std::min(s.T, length - pos[b]);
                const uint64_t draw = (uint64_t(attempt) * 4096 + call) * 8 + uint64_t(b);
                n.push_back(attempt == 0 ? most : int64_t(lab.random(draw, uint64_t(most) + 1)));
            }
            const TokenRows rows = decoder.run(pos, n, n);
            for (size_t b = 0; b < pos.size(); ++b) {
                if (!want.same_rows(where, b, pos[b], rows[b], n[b], bits)) return;
                pos[b] += n[b];
                if (!want.same_memory(where, decoder, b, s.oldest(b, pos[b]), pos[b], bits)) return;
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
    const Streams s(lab, length + 2 * whole_sequence(RingForm(lab.op, lab.suite), shape, 0).n);
    const Record want(lab, s, length);
    Decoder decoder(lab, s);
    std::vector<int64_t> pos(size_t(s.B), 0), highest = pos, deepest = pos;
    for (int64_t r = 0; r < rounds; ++r) {
        std::vector<int64_t> n, right;
        for (size_t b = 0; b < pos.size(); ++b) {
            const uint64_t draw = (uint64_t(r) * 8 + uint64_t(b)) * 4;
            if (r % 9 == 7 || pos[b] >= length) {  // far back, at the very edge every other time
                const int64_t edge = s.oldest(b, highest[b]);
                deepest[b] = std::max(deepest[b], highest[b] - edge);
                pos[b] = r % 2 ? edge : edge + int64_t(lab.random(draw, uint64_t(pos[b] - edge + 1)));
                pos[b] = std::min(pos[b], length - 1);
            }
            n.push_back(r % 5 == 3 ? 1 : 1 + int64_t(lab.random(draw + 1, uint64_t(s.T))));
            right.push_back(std::min(int64_t(lab.random(draw + 2, uint64_t(n.back()) + 1)), length - pos[b]));
        }
        const TokenRows rows = decoder.run(pos, n, right);
        for (size_t b = 0; b < pos.size(); ++b) {
            const std::string where = "round " + std::to_string(r) + ", ";
            if (!want.same_rows(where, b, pos[b], rows[b], right[b], true)) return;
            highest[b] = std::max(highest[b], pos[b] + n[b]);
            pos[b] += right[b];
            if (!want.same_memory(where, decoder, b, s.oldest(b, highest[b]), pos[b], true)) return;
        }
    }
    if (*std::min_element(deepest.begin(), deepest.end()) == 0) lab.fail("the rounds never went back");
}

/// Right tokens up to p, wrong ones from there to H; then back to p. The rows from p on.
TokenRows go_back(Lab& lab, const Streams& s, int64_t p, int64_t H, int64_t n) {
    Decoder decoder(lab, s);
    for (int64_t at = 0; at < H; at += s.T) {
        const int64_t step = std::min(s.T, H - at);
        decoder.run(at, step, std::clamp<int64_t>(p - at, 0, step));
    }
    return decoder.run(p, n, n);
}

/// The law at its edge, for every phase of H within two turns of the ring: back to the oldest position that H leaves
/// valid. One before it must be wrong where the op says that the law is tight, else this proved little.
void check_edge(Lab& lab) {
    const Inputs shape = lab.inputs();
    const int64_t turn = field(shape, "W", 16) * field(shape, "n_base", 2);
    const Streams s(lab, 2 * turn + 2 * whole_sequence(RingForm(lab.op, lab.suite), shape, 0).n);
    if (std::any_of(s.origin.begin(), s.origin.end(), [&](int64_t o) { return o % turn != s.origin[0] % turn; }))
        throw Error(Status::invalid_argument, "check=edge: all sequences at one phase of the ring");
    const Record want(lab, s, 2 * turn + s.T);
    for (int64_t H = 1; H <= 2 * turn && lab.problems.empty(); ++H) {
        const int64_t p = s.oldest(0, H);
        if (p > H) return lab.fail("the oldest position of H = " + std::to_string(H) + " is past it");
        const TokenRows rows = go_back(lab, s, p, H, s.T);
        const std::string where = "H " + std::to_string(H) + ", back to " + std::to_string(p) + ", ";
        for (size_t b = 0; b < rows.size(); ++b)
            if (!want.same_rows(where, b, p, rows[b], s.T, true)) return;
        if (p == 0 || !lab.suite.oldest_is_tight) continue;
        const TokenRows beyond = go_back(lab, s, p - 1, H, 1);
        for (size_t b = 0; b < beyond.size(); ++b)
            if (beyond[b][0] == want.rows()[b][size_t(p - 1)]) lab.fail(where + "and one before it is right too");
    }
}

/// The life of a sequence: a prompt by prefill, exact steps, a draft that is rejected as a whole, and back into the
/// rows that the prefill left, wherever they are valid. The steps from there have the bits that they would have had
/// right after the prompt, whatever was computed in between and however they are grouped.
void check_life(Lab& lab) {
    const Inputs shape = lab.inputs();
    const int64_t turn = field(shape, "W", 16) * field(shape, "n_base", 2), prompt = 2 * turn + field(shape, "W", 16) / 2 + 1;
    constexpr int exact_path = 1, prefill_path = 2;
    const Streams s(lab, prompt + 2 * turn);
    const Record serial(lab, s, prompt + turn);
    Decoder filled(lab, s);
    const TokenRows rows = filled.run(0, prompt, prompt, prefill_path);
    int64_t oldest = 0;
    for (size_t b = 0; b < rows.size(); ++b) {
        if (!serial.same_rows("prompt, ", b, 0, rows[b], prompt, false)) return;
        if (!serial.same_memory("prompt, ", filled, b, s.oldest(b, prompt), prompt, false)) return;
        oldest = std::max(oldest, s.oldest(b, prompt));
    }
    const int64_t steps = s.W + 3;
    for (int64_t p = oldest; p <= prompt && lab.problems.empty(); ++p) {
        const std::string where = "back to " + std::to_string(p) + " of " + std::to_string(prompt) + ", ";
        Decoder straight = filled, back = filled;
        TokenRows want(size_t(s.B));
        for (int64_t t = 0; t < steps; ++t) {
            const TokenRows got = straight.run(p + t, 1, 1, exact_path);
            for (size_t b = 0; b < got.size(); ++b) want[b].push_back(got[b][0]);
        }
        for (int64_t H = prompt; H < prompt + s.T; ++H) {  // as far as p stays valid
            bool valid = true;
            for (size_t b = 0; b < rows.size(); ++b) valid = valid && s.oldest(b, H + 1) <= p;
            if (!valid) break;
            back.run(H, 1, 0, exact_path);
        }
        for (int64_t t = 0; t < steps; t += s.T) {
            const int64_t n = std::min(s.T, steps - t);
            const TokenRows got = back.run(p + t, n, n, exact_path);
            for (size_t b = 0; b < got.size(); ++b) {
                if (!serial.same_rows(where, b, p + t, got[b], n, false)) return;
                for (int64_t i = 0; i < n; ++i) {
                    const auto& row = want[b][size_t(t + i)];
                    const std::string what = where + "sequence " + std::to_string(b) + ", token " + std::to_string(p + t + i);
                    if (!lab.same(what, row.data(), got[b][size_t(i)].data(), row.size())) return;
                }
            }
        }
    }
}

}  // namespace

bool has_ring(const ops::Op& op) {
    const bool in_place = std::any_of(op.args.begin(), op.args.end(), [](auto& a) { return a.use == ops::Use::inout; });
    const bool tokens = std::any_of(op.args.begin(), op.args.end(), [](auto& a) { return a.fresh(); });
    return in_place && tokens && op.arg_index("pos") >= 0;
}

void add_ring_checks(Suite& suite) {
    suite.relation("grouping", check_grouping);
    suite.relation("rollback", check_rollback);
    suite.relation("edge", check_edge);
    suite.relation("life", check_life);
}

}  // namespace rw::test
