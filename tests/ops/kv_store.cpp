#include "rewind/ops/kv_store.h"

#include <sstream>

#include "tests/driver/calls.h"
#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::kv_store::arg;

constexpr int caches[] = {arg::cache_k, arg::cache_v};

/// Tokens one by one, each at its own position, leave what one call leaves; and so does a call of all of them after a
/// draft that was rejected.
void check_partition(Lab& lab) {
    const Inputs in = lab.inputs();
    const TokenForm form(lab.op, lab.suite);
    if (in.has(arg::seq) || in.has(arg::first) || in.has(arg::seq_len))
        throw Error(Status::invalid_argument, "check=partition: takes no seq, first or len");
    const int64_t T = in.ne(arg::k)[2], B = in.ne(arg::k)[3];
    const Outcome want = lab.run(in);
    Inputs now = lab.inputs("", lab.seed + 1);  // other tokens at the same places, of which nothing may remain
    for (const int a : caches) now.value[size_t(a)] = in.value[size_t(a)];
    const Outcome draft = lab.run(now);
    now = in;
    for (const int a : caches) now.value[size_t(a)] = draft.value[size_t(a)];
    for (int64_t t = 0; t < T; ++t) {
        Inputs one = now;
        one.plain_layout();
        std::vector<int64_t> pos;
        for (int64_t b = 0; b < B; ++b) pos.push_back(in.index(arg::pos, b, 0) + t);
        one.put_list(arg::pos, pos);
        for (const TokenArg& a : form.in) {
            const Extent ne = in.ne(a.arg);
            const int64_t size = ne[0] * ne[1];
            std::vector<double> rows;
            for (int64_t b = 0; b < B; ++b) {
                const auto from = in.value[size_t(a.arg)].begin() + (b * T + t) * size;
                rows.insert(rows.end(), from, from + size);
            }
            one.put(a.arg, {ne[0], ne[1], 1, B}, std::move(rows));
        }
        const Outcome got = lab.run(one);
        for (const int a : caches) now.value[size_t(a)] = got.value[size_t(a)];
    }
    for (const int a : caches)
        lab.same(lab.op.args[size_t(a)].name, want.value[size_t(a)].data(), now.value[size_t(a)].data(),
                 want.value[size_t(a)].size());
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    const std::string type = d.of({"f32", "f16", "q8_0"});
    const int64_t D = type == "f32" ? 1 + d.below(160) : type == "f16" ? 2 + 2 * d.below(80) : 32 * (1 + d.below(5));
    s << "D=" << D << " H=" << 1 + d.below(5) << " type=" << type
      << " layout=" << d.of({"packed", "padded", "odd", "permuted"})
      << " cachelayout=" << d.of({"packed", "padded", "permuted"})
      << " align=" << d.of({"4", "16", "64"}) << " x=" << d.of({"normal", "huge", "tiny", "small", "ties", "past"});
    const Batch batch = random_batch(d, 40);
    s << batch.words << " R=" << 60 + d.below(60) << " pos="
      << listed(d.list(batch.B, d.one_in(4) ? -2 : 0, d.one_in(4) ? 70 : 19));
    return s.str();
}

}  // namespace

Suite kv_store() {
    Suite s;
    s.random = random_line;
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.relation("partition", check_partition);
    return s;
}

}  // namespace rw::test::ops_suites
