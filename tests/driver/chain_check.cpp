// Speculation as the runtime does it, against decoding token by token, bit for bit: rounds of drafting (some tokens of
// which are wrong), verifying, choosing the slot of the last accepted token as the next input, and single steps between.
#include <algorithm>

#include "tests/driver/calls.h"
#include "tests/driver/checks.h"

namespace rw::test {
namespace {

constexpr int64_t rounds = 200;

struct Round {
    int64_t n, accepted;  // tokens of the call, of which so many are right
};

/// The case's T is the longest draft and K its slots: at most K - 1 tokens can be taken back.
std::vector<Round> plan_rounds(const Lab& lab, int64_t b, int64_t T, int64_t K) {
    std::vector<Round> list;
    for (int64_t r = 0; r < rounds; ++r) {
        const uint64_t draw = uint64_t((b * rounds + r) * 2);
        const int64_t n = r % 5 == 3 ? 1 : 1 + int64_t(lab.random(draw, uint64_t(T)));
        const int64_t reject = int64_t(lab.random(draw + 1, uint64_t(std::min(n, K))));
        list.push_back({n, n - reject});
    }
    return list;
}

void check_chain(Lab& lab) {
    const SlotForm form(lab.op, lab.suite);
    const Inputs shape = lab.inputs();
    const int64_t T = whole_sequence(form, shape, 0).n, B = shape.ne(form.out[0].arg)[size_t(form.out[0].dim) + 1];
    const int64_t K = shape.ne(form.state_out)[1], D = shape.ne(form.state)[0];
    std::vector<std::vector<Round>> plan;
    int64_t length = 0;
    for (int64_t b = 0; b < B; ++b) {
        plan.push_back(plan_rounds(lab, b, T, K));
        int64_t tokens = T;
        for (const Round& r : plan.back()) tokens += r.accepted;
        length = std::max(length, tokens);
    }
    const std::string stream = "T=" + std::to_string(length);
    const Inputs truth = lab.inputs(stream), junk = lab.inputs(stream, lab.seed + 1);
    std::vector<Serial> want;
    std::vector<Sequence> list;
    std::vector<double> pool(size_t(D * K * B), 0);  // slots that no token has reached yet hold nothing of use
    std::vector<int64_t> slot(size_t(B), K - 1), done(size_t(B), 0);
    for (int64_t b = 0; b < B; ++b) {
        list.push_back(whole_sequence(form, truth, b));
        const State state = initial_state(form, truth, list.back());
        want.push_back(serial(lab, form, truth, list.back(), state));
        std::copy(state.begin(), state.end(), pool.begin() + (b * K + K - 1) * D);
    }
    for (int64_t r = 0; r < rounds && lab.problems.empty(); ++r) {
        std::vector<Piece> right, wrong;
        std::vector<int64_t> from;
        const State nothing(size_t(D), 0);
        for (int64_t b = 0; b < B; ++b) {
            const Round& round = plan[size_t(b)][size_t(r)];
            right.push_back({&truth, list[size_t(b)], done[size_t(b)], done[size_t(b)] + round.n, &nothing});
            wrong.push_back({&junk, list[size_t(b)], done[size_t(b)], done[size_t(b)] + round.n, &nothing});
            from.push_back(round.accepted);
        }
        Inputs call = call_of(form, right, K);
        replace_tail(form, call, call_of(form, wrong, K), from);
        call.put(form.state, {D, K, B, 1}, pool);
        call.put_list(form.in_slot, slot);
        call.example.arg[size_t(form.state_out)].alias = form.state;
        const Outcome got = lab.run(call);
        pool = got.value[size_t(form.state_out)];
        for (int64_t b = 0; b < B; ++b) {
            const Round& round = plan[size_t(b)][size_t(r)];
            const std::string where = "round " + std::to_string(r) + ", sequence " + std::to_string(b) + ", ";
            const Sequence mine{b, b, round.n, 0, 0, b};
            for (int64_t t = 0; t < round.accepted; ++t) {
                const auto& row = want[size_t(b)].out[size_t(done[size_t(b)] + t)];
                const auto have = out_row(form, call, got, mine, t);
                if (!lab.same(where + "token " + std::to_string(t), row.data(), have.data(), row.size())) return;
            }
            done[size_t(b)] += round.accepted;
            slot[size_t(b)] = kept(form, call, round.accepted, round.n);
            const State state = slot_state(form, call, got, b, slot[size_t(b)]);
            const State& known = want[size_t(b)].state[size_t(done[size_t(b)] - 1)];
            if (!lab.same(where + "accepted state", known.data(), state.data(), state.size())) return;
        }
    }
}

}  // namespace

void add_chain_check(Suite& suite) { suite.relation("chain", check_chain); }

}  // namespace rw::test
