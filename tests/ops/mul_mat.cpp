#include "rewind/ops/mul_mat.h"

#include <cmath>
#include <sstream>

#include "core/convert.h"
#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::mul_mat::arg;

/// The call with rows [first, first + n) of x, add and out.
Inputs some_rows(const Inputs& in, int64_t first, int64_t n) {
    Inputs call = in;
    for (const int a : {arg::x, arg::add}) {
        if (!in.has(a)) continue;
        const int64_t width = in.ne(a)[0];
        const auto from = in.value[size_t(a)].begin() + first * width;
        call.put(a, {width, n, 1, 1}, {from, from + n * width});
    }
    call.put(arg::out, {in.ne(arg::out)[0], n, 1, 1}, {});
    return call;
}

/// A row has the bits it has alone in the company of any others, for every number of rows up to 17 and then some.
void check_rows(Lab& lab) {
    Inputs in = lab.inputs();
    in.plain_layout();
    const int64_t N = in.ne(arg::out)[0], R = in.ne(arg::out)[1];
    std::vector<double> alone;
    for (int64_t r = 0; r < R; ++r) {
        const Outcome one = lab.run(some_rows(in, r, 1));
        alone.insert(alone.end(), one.value[arg::out].begin(), one.value[arg::out].end());
    }
    for (int64_t n = 2; n <= R; n += n < 17 ? 1 : 15) {
        const int64_t first = int64_t(lab.random(uint64_t(n), uint64_t(R - n + 1)));
        const Outcome got = lab.run(some_rows(in, first, n));
        if (!lab.same(std::to_string(n) + " rows", &alone[size_t(first * N)], got.value[arg::out].data(), size_t(n * N)))
            break;
    }
    const Outcome all = lab.run(in);
    lab.same("all rows", alone.data(), all.value[arg::out].data(), alone.size());
}

/// Rows of x that are 1 at one k and 0 elsewhere take out columns of w: the f32 nearest to what each block stands for.
void check_columns(Lab& lab) {
    Inputs in = lab.inputs("add=none");
    const Extent w = in.ne(arg::w);
    const int64_t K = w[0], N = w[1], R = in.ne(arg::x)[1];
    std::vector<double>& x = in.value[arg::x];
    x.assign(x.size(), 0);
    std::vector<int64_t> chosen;
    for (int64_t r = 0; r < R; ++r) {
        chosen.push_back(r == 0 ? K - 1 : int64_t(lab.random(uint64_t(r), uint64_t(K))));
        x[size_t(r * K + chosen.back())] = 1;
    }
    const Outcome got = lab.run(in);
    const std::vector<double> stored = core::as_stored(in.example.arg[arg::w].type, w, in.value[arg::w]);
    std::vector<double> want;
    for (const int64_t k : chosen)
        for (int64_t n = 0; n < N; ++n) want.push_back(double(float(stored[size_t(n * K + k)])));
    lab.close("columns of w", want.data(), got.value[arg::out].data(), want.size(), 1e-14);
}

std::string random_line(Dice& d) {
    const std::string type = d.of({"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k",
                                   "iq4_nl", "iq4_xs"});
    const int64_t block = info(type_named(type)).block;
    std::ostringstream s;
    s << "type=" << type << " K=" << (block == 1 ? 1 + d.below(700) : block * (1 + d.below(1200 / block))) << " N="
      << 1 + d.below(90) << " R=" << 1 + d.below(d.one_in(4) ? 120 : 20) << " add=" << d.of({"none", "apart", "over"})
      << " layout=" << d.of({"packed", "padded", "odd"}) << " align=" << d.of({"4", "16", "64"})
      << (d.one_in(3) ? " path=prefill" + random_check(d, {"columns", "nan", "repeat"})
                         : random_check(d, {"rows", "columns", "nan", "repeat"}));
    return s.str();
}

/// The root of the sum of squares of what an element adds up.
std::vector<double> terms(const Inputs& in, int) {
    const size_t K = size_t(in.ne(arg::w)[0]), N = size_t(in.ne(arg::w)[1]), R = size_t(in.ne(arg::x)[1]);
    const std::vector<double>&w = in.value[arg::w], &x = in.value[arg::x];
    std::vector<double> size(N * R);
    for (size_t r = 0; r < R; ++r)
        for (size_t n = 0; n < N; ++n) {
            double sum = in.has(arg::add) ? std::pow(in.value[arg::add][r * N + n], 2) : 0;
            for (size_t k = 0; k < K; ++k) sum += std::pow(w[n * K + k] * x[r * K + k], 2);
            size[r * N + n] = std::sqrt(sum);
        }
    return size;
}

}  // namespace

Suite mul_mat() {
    Suite s;
    s.random = random_line;
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b11); };
    s.terms = terms;
    s.relation("rows", check_rows);
    s.check("columns", check_columns);
    return s;
}

}  // namespace rw::test::ops_suites
