#include "rewind/ops/attention.h"

#include <limits>
#include <sstream>

#include "core/convert.h"
#include "tests/driver/calls.h"
#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::attention::arg;

Inputs plain_call(Lab& lab) {
    Inputs in = lab.inputs();
    if (in.has(arg::seq) || in.has(arg::first) || in.has(arg::seq_len))
        throw Error(Status::invalid_argument, "takes no seq, first or len");
    in.plain_layout();
    return in;
}

/// Tokens [t, t + n) of sequence b, or of all (b = -1), at their own positions.
Inputs some_tokens(const TokenForm& form, const Inputs& in, int64_t b, int64_t t, int64_t n) {
    const int64_t B = in.ne(arg::q)[3];
    std::vector<Piece> pieces;
    std::vector<int64_t> pos, seq;
    for (int64_t i = 0; i < B; ++i) {
        if (b >= 0 && i != b) continue;
        pieces.push_back({&in, whole_sequence(form, in, i), t, t + n});
        pos.push_back(in.index(arg::pos, i, 0) + t), seq.push_back(i);
    }
    Inputs call = tokens_of(form, pieces);
    call.put_list(arg::pos, pos), call.put_list(arg::seq, seq);
    return call;
}

/// Tokens alone, in groups and packed have the bits that they have together.
void check_partition(Lab& lab) {
    const Inputs in = plain_call(lab);
    const TokenForm form(lab.op, lab.suite);
    const Extent ne = in.ne(arg::out);
    const int64_t row = ne[0] * ne[1], T = ne[2], B = ne[3];
    const std::vector<double> want = lab.run(in).value[arg::out];
    const auto same = [&](const Inputs& call, int64_t b0, int64_t sequences, int64_t t, int64_t n) {
        const std::vector<double> got = lab.run(call).value[arg::out];
        for (int64_t b = 0; b < sequences; ++b)
            lab.same("tokens from " + std::to_string(t) + " of sequence " + std::to_string(b0 + b),
                     &want[size_t(((b0 + b) * T + t) * row)], &got[size_t(b * n * row)], size_t(n * row));
    };
    for (int64_t t = 0; t < T && lab.problems.empty(); ++t) same(some_tokens(form, in, -1, t, 1), 0, B, t, 1);
    for (int64_t b = 0; b < B && lab.problems.empty(); ++b) same(some_tokens(form, in, b, 0, T), b, 1, 0, T);
    for (int64_t t = 0, n = 1; t < T && lab.problems.empty(); t += n, ++n)
        same(some_tokens(form, in, -1, t, std::min(n, T - t)), 0, B, t, std::min(n, T - t));
    const Inputs together = packed(form, in);
    const std::vector<double> got = lab.run(together).value[arg::out];
    for (int64_t b = 0; b < B; ++b)
        lab.same("packed sequence " + std::to_string(b), &want[size_t(b * T * row)],
                 &got[size_t(together.index(arg::first, b, 0) * row)], size_t(T * row));
}

/// What lies past a token's position, be it NaN, changes no bit.
void check_future(Lab& lab) {
    Inputs in = plain_call(lab);
    const Extent k = in.ne(arg::cache_k), ne = in.ne(arg::out);
    const int64_t row = ne[0] * ne[1], T = ne[2], B = ne[3];
    const std::vector<double> want = lab.run(in).value[arg::out];
    for (int64_t t = T - 1; t >= 0 && lab.problems.empty(); t -= 1 + T / 5) {
        for (const int a : {arg::cache_k, arg::cache_v})
            for (int64_t b = 0; b < B; ++b) {
                const int64_t step = in.ne(a)[0] * k[1], from = (b * k[2] + in.index(arg::pos, b, 0) + t + 1) * step;
                std::fill(in.value[size_t(a)].begin() + from, in.value[size_t(a)].begin() + (b + 1) * k[2] * step,
                          std::numeric_limits<double>::quiet_NaN());
            }
        const std::vector<double> got = lab.run(in).value[arg::out];
        for (int64_t b = 0; b < B; ++b)
            lab.same("up to token " + std::to_string(t), &want[size_t(b * T * row)], &got[size_t(b * T * row)],
                     size_t((t + 1) * row));
    }
}

/// With keys of zero the result is the mean of the values.
void check_mean(Lab& lab) {
    Inputs in = lab.inputs("gate=0");
    in.plain_layout();
    const Extent v = in.ne(arg::cache_v), ne = in.ne(arg::out);
    in.value[arg::cache_k].assign(in.value[arg::cache_k].size(), 0);
    const std::vector<double> got = lab.run(in).value[arg::out];
    const std::vector<double> values = core::as_stored(in.example.arg[arg::cache_v].type, v, in.value[arg::cache_v]);
    std::vector<double> want;
    for (int64_t b = 0; b < ne[3]; ++b)
        for (int64_t t = 0; t < ne[2]; ++t)
            for (int64_t h = 0; h < ne[1]; ++h)
                for (int64_t j = 0; j < ne[0]; ++j) {
                    const int64_t end = in.index(arg::pos, b, 0) + t + 1;
                    double sum = 0;
                    for (int64_t s = 0; s < end; ++s)
                        sum += values[size_t(((b * v[2] + s) * v[1] + h / (ne[1] / v[1])) * v[0] + j)];
                    want.push_back(sum / double(end));
                }
    lab.close("mean of the values", want.data(), got.data(), want.size(), 1e-12);
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    const int64_t H_kv = 1 + d.below(4);
    const std::string type = d.of({"f32", "f16", "q8_0"});
    const int64_t unit = type == "q8_0" ? 32 : 16;
    s << "D=" << unit * (1 + d.below(9)) << " D_v=" << unit * (1 + d.below(9)) << " H_kv=" << H_kv
      << " H=" << H_kv * (1 + d.below(6)) << " type=" << type << " gate=" << d.below(2)
      << " layout=" << d.of({"packed", "padded", "odd", "permuted"})
      << " cachelayout=" << d.of({"packed", "padded", "permuted"}) << " align=" << d.of({"4", "16", "64"});
    const Batch batch = random_batch(d, 40);
    s << batch.words << " R=" << 300 + d.below(400) << " pos="
      << listed(d.list(batch.B, d.one_in(4) ? -2 : 0, d.one_in(4) ? 700 : 259));
    return s.str();
}

}  // namespace

Suite attention() {
    Suite s;
    s.random = random_line;
    s.not_tokens = {"cache_k", "cache_v"};
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b1110); };
    s.relation("partition", check_partition);
    s.check("future", check_future);
    s.check("mean", check_mean);
    return s;
}

}  // namespace rw::test::ops_suites
