#include "rewind/ops/mul_mat_id.h"

#include <cmath>
#include <sstream>

#include "tests/driver/suite.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::mul_mat_id::arg;

/// A token alone has the bits that it has among others.
void check_rows(Lab& lab) {
    Inputs in = lab.inputs();
    in.plain_layout();
    const int64_t R = in.ne(arg::ids)[1];
    const Outcome all = lab.run(in);
    for (int64_t r = 0; r < R && lab.problems.empty(); ++r) {
        Inputs one = in;
        for (const int a : {arg::x, arg::ids, arg::weight, arg::add, arg::out}) {
            if (!in.has(a)) continue;
            Extent ne = in.ne(a);
            ne[lab.op.args[size_t(a)].rank == 3 ? 2 : 1] = 1;
            const int64_t size = ne[0] * ne[1];
            if (a == arg::out) one.put(a, ne, {});
            else one.put(a, ne, {in.value[size_t(a)].begin() + r * size, in.value[size_t(a)].begin() + (r + 1) * size});
            if (a == arg::ids) one.example.arg[size_t(a)].type = Type::i32;
        }
        const Outcome got = lab.run(one);
        const size_t size = got.value[arg::out].size();
        lab.same("row " + std::to_string(r), &all.value[arg::out][size_t(r) * size], got.value[arg::out].data(), size);
    }
}

/// With weight the result is the sum of what comes without, times the weights.
void check_sum(Lab& lab) {
    Inputs in = lab.inputs("weight=1 add=none");
    in.plain_layout();
    Inputs apart = in;
    const Extent ids = in.ne(arg::ids), w = in.ne(arg::w);
    apart.drop(arg::weight), apart.put(arg::out, {w[1], ids[0], ids[1], 1}, {});
    const std::vector<double> y = lab.run(apart).value[arg::out], got = lab.run(in).value[arg::out];
    std::vector<double> want(got.size(), 0.0);
    for (size_t r = 0; r < size_t(ids[1]); ++r)
        for (size_t u = 0; u < size_t(ids[0]); ++u)
            for (size_t n = 0; n < size_t(w[1]); ++n)
                want[r * size_t(w[1]) + n] += in.value[arg::weight][r * size_t(ids[0]) + u] *
                                              y[(r * size_t(ids[0]) + u) * size_t(w[1]) + n];
    lab.close("sum", want.data(), got.data(), want.size(), 1e-13);
}

std::string random_line(Dice& d) {
    const std::string type = d.of({"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k",
                                   "iq4_nl", "iq4_xs"});
    const int64_t block = info(type_named(type)).block, E = 1 + d.below(9), U = 1 + d.below(5), R = 1 + d.below(9);
    const bool weight = d.one_in(2), wrong = d.one_in(4);
    std::ostringstream s;
    s << "type=" << type << " K=" << (block == 1 ? 1 + d.below(300) : block * (1 + d.below(600 / block))) << " N="
      << 1 + d.below(50) << " E=" << E << " U=" << U << " R=" << R << " ids=" << listed(d.list(U * R, -1 - wrong, E - 1 + wrong))
      << " x=" << d.of({"each", "shared"}) << " weight=" << weight
      << (weight ? " add=" + d.of({"none", "apart", "over"}) : std::string())
      << " layout=" << d.of({"packed", "padded", "odd"}) << " align=" << d.of({"4", "16", "64"});
    return s.str();
}

/// The root of the sum of squares of what an element adds up.
std::vector<double> terms(const Inputs& in, int) {
    const size_t K = size_t(in.ne(arg::w)[0]), N = size_t(in.ne(arg::w)[1]), rows = size_t(in.ne(arg::x)[1]);
    const size_t U = size_t(in.ne(arg::ids)[0]), R = size_t(in.ne(arg::ids)[1]);
    const std::vector<double>&w = in.value[arg::w], &x = in.value[arg::x];
    const bool weight = in.has(arg::weight);
    std::vector<double> size(N * (weight ? 1 : U) * R);
    for (size_t r = 0; r < R; ++r)
        for (size_t u = 0; u < U; ++u) {
            const int64_t id = in.index(arg::ids, int64_t(r * U + u), 0);
            if (id < 0 || id >= in.ne(arg::w)[2]) continue;
            for (size_t n = 0; n < N; ++n) {
                double sum = 0;
                for (size_t k = 0; k < K; ++k)
                    sum += std::pow(w[(size_t(id) * N + n) * K + k] * x[(r * rows + (rows == 1 ? 0 : u)) * K + k], 2);
                if (weight) size[r * N + n] += sum * std::pow(in.value[arg::weight][r * U + u], 2);
                else size[(r * U + u) * N + n] = sum;
            }
        }
    for (size_t i = 0; i < size.size(); ++i) {
        if (in.has(arg::add)) size[i] += std::pow(in.value[arg::add][i], 2);
        size[i] = std::sqrt(size[i]);
    }
    return size;
}

}  // namespace

Suite mul_mat_id() {
    Suite s;
    s.random = random_line;
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b111); };
    s.terms = terms;
    s.relation("rows", check_rows);
    s.check("sum", check_sum);
    return s;
}

}  // namespace rw::test::ops_suites
