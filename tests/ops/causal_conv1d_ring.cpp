#include "rewind/ops/causal_conv1d_ring.h"

#include <algorithm>

#include "rewind/ops/causal_conv1d.h"
#include "tests/ops/conv.h"

namespace rw::test::ops_suites {
namespace {

namespace arg = ops::causal_conv1d_ring::arg;

using Rows = std::vector<double>;

/// A sequence whose inputs at every position are known, and its ring as the calls left it.
struct Stream {
    int64_t C, pos = 0;
    Rows x;     // [C, positions]
    Rows ring;  // [C, R]
};

/// n[i] tokens of stream i from its pos on, one sequence each; inputs past `right` positions are wrong ones (a draft
/// that will be rejected). Returns the outputs of stream i as [C, n[i]].
std::vector<Rows> advance(Lab& lab, const Inputs& like, std::vector<Stream>& streams, const std::vector<int64_t>& n,
                          const std::vector<int64_t>& right) {
    const int64_t C = streams[0].C, B = int64_t(streams.size()), T = *std::max_element(n.begin(), n.end());
    Inputs in = like;
    Rows x(size_t(C * T * B)), ring;
    std::vector<int64_t> pos;
    for (int64_t b = 0; b < B; ++b) {
        const Stream& s = streams[size_t(b)];
        for (int64_t t = 0; t < n[size_t(b)]; ++t)
            for (int64_t c = 0; c < C; ++c) {
                const double value = s.x[size_t((s.pos + t) * C + c)];
                x[size_t((b * T + t) * C + c)] = t < right[size_t(b)] ? value : 3 - value;
            }
        ring.insert(ring.end(), s.ring.begin(), s.ring.end()), pos.push_back(s.pos);
    }
    const int64_t R = int64_t(ring.size()) / (C * B);
    in.put(arg::x, {C, T, B, 1}, std::move(x)), in.put(arg::out, {C, T, B, 1}, {});
    in.put(arg::ring, {C, R, B, 1}, std::move(ring));
    in.put_list(arg::pos, pos), in.put_list(arg::seq_len, n);
    in.drop(arg::seq), in.drop(arg::first);
    const Outcome got = lab.run(in);
    std::vector<Rows> out;
    for (int64_t b = 0; b < B; ++b) {
        const auto from = got.value[arg::out].begin() + b * T * C;
        out.emplace_back(from, from + n[size_t(b)] * C);
        const auto row = got.value[arg::ring].begin() + b * R * C;
        streams[size_t(b)].ring.assign(row, row + R * C);
        streams[size_t(b)].pos += right[size_t(b)];
    }
    return out;
}

std::vector<Stream> streams_of(Lab& lab, const Inputs& like, int64_t count, int64_t positions) {
    std::vector<Stream> streams;
    const int64_t C = like.ne(arg::x)[0], R = like.ne(arg::ring)[1];
    for (int64_t b = 0; b < count; ++b) {
        Stream s{C, 0, {}, {}};
        for (int64_t i = 0; i < C * positions; ++i) s.x.push_back(float(core::normal(lab.seed, uint64_t(100 + b), uint64_t(i))));
        for (int64_t i = 0; i < C * R; ++i) s.ring.push_back(float(core::normal(lab.seed, uint64_t(200 + b), uint64_t(i))));
        streams.push_back(std::move(s));
    }
    return streams;
}

/// Serial decoding of `positions` tokens of every stream: outputs [C, positions].
std::vector<Rows> decode(Lab& lab, const Inputs& like, std::vector<Stream> streams, int64_t positions) {
    std::vector<Rows> out(streams.size());
    const std::vector<int64_t> ones(streams.size(), 1);
    for (int64_t p = 0; p < positions; ++p) {
        const auto rows = advance(lab, like, streams, ones, ones);
        for (size_t b = 0; b < out.size(); ++b) out[b].insert(out[b].end(), rows[b].begin(), rows[b].end());
    }
    return out;
}

/// Rounds of T tokens of which some are rejected, one-token steps between, every sequence at its own phase, against
/// serial decoding bit for bit. R is the least that the law allows for depth T - 1.
void check_chain(Lab& lab) {
    Inputs like = lab.inputs();
    const int64_t T = like.ne(arg::x)[1], taps = like.ne(arg::weight)[0], C = like.ne(arg::x)[0], rounds = 220, B = 3;
    const int64_t R = std::max(T + taps - 2, taps - 1), positions = rounds * T + 1;
    like.put(arg::ring, {C, R, 1, 1}, Rows(size_t(C * R)));
    std::vector<Stream> streams = streams_of(lab, like, B, positions);
    const int64_t compared = std::min<int64_t>(positions - 1, rounds * (T + 2) / 2);
    const std::vector<Rows> want = decode(lab, like, streams, compared);
    for (int64_t round = 0; round < rounds && lab.problems.empty(); ++round) {
        std::vector<int64_t> n, right;
        for (int64_t b = 0; b < B; ++b) {
            const uint64_t draw = uint64_t(round * B + b) * 4;
            const int64_t left = compared - streams[size_t(b)].pos;
            n.push_back(left <= 0 ? 0 : std::min<int64_t>(left, lab.random(draw, 4) == 0 ? 1 : T));
            right.push_back(n.back() <= 1 ? n.back() : 1 + int64_t(lab.random(draw + 1, uint64_t(n.back()))));
        }
        if (*std::max_element(n.begin(), n.end()) == 0) break;
        const std::vector<Stream> before = streams;
        const auto out = advance(lab, like, streams, n, right);
        for (size_t b = 0; b < out.size(); ++b)
            if (right[b] && !lab.same("round " + std::to_string(round) + ", sequence " + std::to_string(b),
                                      &want[b][size_t(before[b].pos * C)], out[b].data(), size_t(right[b] * C)))
                return;
    }
}

/// One call from every position of the ring's first turns = serial decoding, outputs and rows.
void check_phases(Lab& lab) {
    Inputs like = lab.inputs();
    const int64_t T = like.ne(arg::x)[1], R = like.ne(arg::ring)[1], C = like.ne(arg::x)[0], last = 2 * R + 2;
    std::vector<Stream> serial = streams_of(lab, like, 1, last + T);
    std::vector<Stream> lead = serial;
    const Rows want = decode(lab, like, serial, last + T)[0];
    for (int64_t p = 0; p < last && lab.problems.empty(); ++p) {
        std::vector<Stream> one = lead, steps = lead;
        const Rows out = advance(lab, like, one, {T}, {T})[0];
        lab.same("call at position " + std::to_string(p), &want[size_t(p * C)], out.data(), out.size());
        for (int64_t t = 0; t < T; ++t) advance(lab, like, steps, {1}, {1});
        lab.same("ring after it", steps[0].ring.data(), one[0].ring.data(), one[0].ring.size());
        advance(lab, like, lead, {1}, {1});
    }
}

/// The slot form of the same implementation gives the same bits.
void check_form(Lab& lab) {
    const Inputs in = lab.inputs();
    const ops::Op& other = ops::find("CAUSAL_CONV1D");
    Lab slots(other, suite_of(other), lab.test, lab.seed, lab.device, lab.implementation);
    namespace to = ops::causal_conv1d::arg;
    const int64_t C = in.ne(arg::x)[0], B = in.ne(arg::x)[2], taps = in.ne(arg::weight)[0] - 1, R = in.ne(arg::ring)[1];
    if (in.has(arg::seq) || in.has(arg::first)) return lab.fail("check=form: takes no seq and no first");
    ops::Dims dims("C=" + std::to_string(C) + " d_conv=" + std::to_string(taps + 1) + " B=" + std::to_string(B) +
                   " T=" + std::to_string(in.ne(arg::x)[1]));
    Inputs slot_in(other, other.example(dims), lab.seed);
    for (const auto& [from, at] : {std::pair<int, int>{arg::x, to::x}, {arg::weight, to::weight}, {arg::bias, to::bias},
                                   {arg::seq_len, to::seq_len}, {arg::out, to::out}}) {
        slot_in.example.arg[size_t(at)] = in.example.arg[size_t(from)];
        slot_in.value[size_t(at)] = in.value[size_t(from)];
    }
    slot_in.example.attr[ops::causal_conv1d::attr::activation] = in.example.attr[ops::causal_conv1d_ring::attr::activation];
    Rows state;
    for (int64_t b = 0; b < B; ++b)
        for (int64_t c = 0; c < C; ++c)
            for (int64_t j = 0; j < taps; ++j) {
                const int64_t q = in.index(arg::pos, b, 0) - taps + j;
                state.push_back(q < 0 ? 0 : in.value[arg::ring][size_t((b * R + q % R) * C + c)]);
            }
    slot_in.put(to::state, {taps * C, 1, B, 1}, std::move(state));
    const Outcome want = slots.run(slot_in), got = lab.run(in);
    for (const std::string& problem : slots.problems) lab.fail("slot form: " + problem);
    const Rows &a = want.value[to::out], &b = got.value[arg::out];
    lab.same("out", a.data(), b.data(), a.size());
}

std::string random_line(Dice& d) {
    std::ostringstream s;
    s << random_conv(d) << " R=" << RW_CONV_MAX_TAPS - 1 + d.below(40);
    if (d.one_in(4)) {
        s << " T=" << 1 + d.below(30) << " check=phases";
        return s.str();
    }
    const Batch batch = random_batch(d, 90);
    s << batch.words << " pos=" << listed(d.list(batch.B, d.one_in(4) ? -2 : 0, 1000))
      << " ringlayout=" << d.of({"packed", "padded"});
    return s.str();
}

}  // namespace

Suite causal_conv1d_ring() {
    Suite s;
    s.random = random_line;
    s.token_dim = {{"x", 1}, {"out", 1}};
    s.grouping = [](const ops::Op&, const ops::Call& call, int i) { return by_dims(call.arg[size_t(i)].ne, 0b110); };
    s.terms = conv_terms;
    s.relation("chain", check_chain);
    s.relation("phases", check_phases);
    s.check("form", check_form);
    return s;
}

}  // namespace rw::test::ops_suites
