// What an engine does with one set of buffers: every call gets views of them, further along the token axis each time.
// Which kernel takes a call must not show in the bits, whatever the offset of a view.
#include <algorithm>

#include "tests/driver/calls.h"
#include "tests/driver/checks.h"

namespace rw::test {
namespace {

/// Tokens [t0, t1) of the sequences [b0, b1).
struct Window {
    int64_t t0, t1, b0, b1;
};

/// A dimension of a tensor cut to [from, to).
void cut(Tensor& t, int dim, int64_t from, int64_t to) {
    t.offset += uint64_t(from * t.nb[size_t(dim)]);
    t.ne[size_t(dim)] = to - from;
}

/// The memory of a slot op is its state, updated in place; that of a ring op what it updates anyway.
std::vector<int> memory_of(const ops::Op& op, const Suite& suite) {
    if (has_ring(op)) return RingForm(op, suite).memory;
    const SlotForm form(op, suite);
    return {form.state, form.state_out};
}

/// `position`: where in pos the window's own entries begin.
ops::Call view(const ops::Op& op, const Suite& suite, const ops::Call& whole, const Window& w, int64_t position) {
    const TokenForm form(op, suite);
    ops::Call call = whole;
    for (const auto& list : {form.in, form.out})
        for (const TokenArg& a : list) {
            Tensor& t = call.arg[size_t(a.arg)];
            if (!t) continue;
            cut(t, a.dim, w.t0, w.t1), cut(t, a.dim + 1, w.b0, w.b1);
        }
    for (const int arg : memory_of(op, suite)) cut(call.arg[size_t(arg)], op.args[size_t(arg)].rank - 1, w.b0, w.b1);
    if (has_ring(op)) cut(call.arg[size_t(op.arg_index("pos"))], 0, position, position + w.b1 - w.b0);
    return call;
}

/// Windows that cover all tokens of all sequences. attempt 0: single tokens of the whole batch; 1: single tokens of one
/// sequence after the other; else calls of random lengths.
std::vector<Window> windows(const Lab& lab, int64_t T, int64_t B, int attempt, int64_t longest) {
    std::vector<Window> list;
    for (int64_t b = 0; b < (attempt == 1 ? B : 1); ++b)
        for (int64_t t = 0; t < T;) {
            const uint64_t draw = uint64_t(attempt * 8192 + t);
            const int64_t n = attempt < 2 ? 1 : std::min(T - t, 1 + int64_t(lab.random(draw, uint64_t(longest))));
            list.push_back({t, t + n, attempt == 1 ? b : 0, attempt == 1 ? b + 1 : B});
            t += n;
        }
    return list;
}

void check_views(Lab& lab) {
    Inputs in = lab.inputs();
    const TokenForm form(lab.op, lab.suite);
    const bool ring = has_ring(lab.op);
    for (const int arg : {form.seq, form.first, form.seq_len, lab.op.arg_index("in_slot")})
        if (in.has(arg)) throw Error(Status::invalid_argument, "check=views: takes no seq, first, len or in_slot");
    const int state_out = lab.op.arg_index("state_out");
    if (!ring && (in.example.arg[size_t(state_out)].alias < 0 || in.ne(state_out)[1] != 1))
        throw Error(Status::invalid_argument, "check=views: the state is updated in place, in one slot: alias=1 K=1");
    if (!exact(in)) throw Error(Status::invalid_argument, "check=views: bits are promised for path=exact only");
    const TokenArg& tokens = form.out.front();
    const int64_t T = in.ne(tokens.arg)[size_t(tokens.dim)], B = in.ne(tokens.arg)[size_t(tokens.dim) + 1];
    const Outcome whole = lab.run(in);
    for (int attempt = 0; attempt < 4 && lab.problems.empty(); ++attempt) {
        const std::vector<Window> list = windows(lab, T, B, attempt, 5);
        Inputs held = in;
        std::vector<int64_t> pos, at;
        for (const Window& w : list) {
            at.push_back(int64_t(pos.size()));
            for (int64_t b = w.b0; ring && b < w.b1; ++b) pos.push_back(in.index(lab.op.arg_index("pos"), b, 0) + w.t0);
        }
        if (ring) held.put_list(lab.op.arg_index("pos"), pos);
        const Outcome got = lab.run(held, [&](const ops::Call& all) {
            std::vector<ops::Call> calls;
            for (size_t i = 0; i < list.size(); ++i) calls.push_back(view(lab.op, lab.suite, all, list[i], at[i]));
            return calls;
        });
        for (size_t i = 0; i < lab.op.args.size(); ++i) {
            if (!lab.op.args[i].written()) continue;
            const std::string what = lab.op.args[i].name + (", attempt " + std::to_string(attempt));
            if (!lab.same(what, whole.value[i].data(), got.value[i].data(), whole.value[i].size())) return;
        }
    }
}

}  // namespace

void add_view_check(Suite& suite) { suite.relation("views", check_views); }

}  // namespace rw::test
