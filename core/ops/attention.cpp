#include "rewind/ops/attention.h"

#include <cmath>

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::attention {
namespace {

constexpr SlotArgs slot_args{arg::q, -1, -1, -1, arg::seq, arg::first, arg::seq_len, -1, attr::max_len};

double scale_of(const Call& call) {
    const double scale = call.attr[attr::scale];
    return scale == 0 ? 1 / std::sqrt(double(call.arg[arg::q].ne[0])) : scale;
}

}  // namespace

void validate(const Call& call) {
    const Check check("ATTENTION", call);
    validate_sequences(check, call, slot_args);
    const Tokens n = tokens_of(call, slot_args);
    const Extent &q = call.arg[arg::q].ne, &k = call.arg[arg::cache_k].ne, &v = call.arg[arg::cache_v].ne;
    check.rows(arg::q, "q"), check.fits(arg::q, "q");
    check.shape(arg::cache_k, "cache_k", {q[0], -1, -1, -1}, "[D, H_kv, R, P]");
    check.rows(arg::cache_k, "cache_k"), check.fits(arg::cache_k, "cache_k");
    check.shape(arg::cache_v, "cache_v", {-1, k[1], k[2], k[3]}, "[D_v, H_kv, R, P]");
    check.rows(arg::cache_v, "cache_v"), check.fits(arg::cache_v, "cache_v");
    validate_rows(check, call, arg::gate, "gate", {v[0], q[1], q[2], q[3]}, "[D_v, H, T, B]");
    validate_rows(check, call, arg::out, "out", {v[0], q[1], q[2], q[3]}, "[D_v, H, T, B]");
    check.that(q[1] % k[1] == 0, "q: ", q[1], " heads are no multiple of the ", k[1], " of cache_k");
    check.that(call.arg[arg::cache_k].type == call.arg[arg::cache_v].type, "cache_k, cache_v: have to be of one type");
    for (const int64_t D : {q[0], v[0]})
        check.supported(D % 16 == 0 && D <= RW_ATTENTION_MAX_D, "heads of ", D,
                        " elements; they are multiples of 16, at most ", RW_ATTENTION_MAX_D);
    check.supported(q[1] <= INT32_MAX / n.T / n.B, "q: more than 2^31 - 1 rows");
    check.shape(arg::pos, "pos", {n.B, 1, 1, 1}, "[B]"), check.packed(arg::pos, "pos", 0);
    check.that(call.arg[arg::seq] || k[3] >= n.B, "cache_k: ", k[3], " pool rows for ", n.B,
               " sequences; give a row to each, or name rows with seq");
    check.that(std::isfinite(float(call.attr[attr::scale])), "scale: has to be finite");
}

Params params(const Call& call) {
    const Tensor &q = call.arg[arg::q], &gate = call.arg[arg::gate], &out = call.arg[arg::out];
    const Tensor &k = call.arg[arg::cache_k], &v = call.arg[arg::cache_v];
    Params p{};
    fill_sequences(call, slot_args, p);
    p.pool = int32_t(k.ne[3]), p.R = int32_t(k.ne[2]), p.H_kv = int32_t(k.ne[1]), p.H = int32_t(q.ne[1]);
    p.D = int32_t(q.ne[0]), p.D_v = int32_t(v.ne[0]);
    p.q_h = int32_t(q.stride(1)), p.q_t = int32_t(q.stride(2)), p.q_b = int32_t(q.stride(3));
    p.k_h = int32_t(k.stride(1)), p.k_r = int32_t(k.stride(2)), p.k_b = int32_t(k.stride(3));
    p.v_h = int32_t(v.stride(1)), p.v_r = int32_t(v.stride(2)), p.v_b = int32_t(v.stride(3));
    p.g_h = int32_t(gate.stride(1)), p.g_t = int32_t(gate.stride(2)), p.g_b = int32_t(gate.stride(3));
    p.o_h = int32_t(out.stride(1)), p.o_t = int32_t(out.stride(2)), p.o_b = int32_t(out.stride(3));
    p.type = int32_t(k.type);
    p.scale = float(scale_of(call));
    return p;
}

Cost cost(const Call& call) {
    const Tensor &q = call.arg[arg::q], &k = call.arg[arg::cache_k], &v = call.arg[arg::cache_v];
    const double rows = double(token_count(call, slot_args)) * double(q.ne[1]), R = double(k.ne[2]);
    const double B = double(tokens_of(call, slot_args).B), width = double(k.ne[0] + v.ne[0]);
    const double cached = double(k.steps(0) + v.steps(0)) * size_of(k.type) * double(k.ne[1]) * R;
    return {B * cached + 4 * rows * (width + (call.arg[arg::gate] ? double(v.ne[0]) : 0)), 2 * width * rows * R};
}

double tolerance(const Call& call, int) {
    const double score = scale_of(call) * std::sqrt(double(call.arg[arg::q].ne[0]));
    return 1e-12 * (1 + score * score);
}

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_sequences(dims, e, slot_args);
    const int64_t D = dims.integer("D", 64), D_v = dims.integer("D_v", D), H = dims.integer("H", 4);
    const int64_t H_kv = dims.integer("H_kv", 2), R = dims.integer("R", 32), P = dims.integer("pool", n.B);
    const int64_t last = n.packed ? 1 : n.B;
    const std::string layout = dims.word("layout", "packed"), cache_layout = dims.word("cachelayout", "packed");
    const Type type = example_cache_type(dims);
    lay_out(e.put(arg::q, Type::f32, {D, H, n.N, last}, Fill{"normal"}), layout);
    lay_out(e.put(arg::cache_k, type, {D, H_kv, R, P}, Fill{"normal"}), cache_layout);
    lay_out(e.put(arg::cache_v, type, {D_v, H_kv, R, P}, Fill{"normal"}), cache_layout);
    if (dims.integer("gate", 0))
        lay_out(e.put(arg::gate, Type::f32, {D_v, H, n.N, last}, Fill{"uniform", "", -6, 6}), layout);
    e.put(arg::out, Type::f32, {D_v, H, n.N, last}, Fill{"zero"});
    Fill pos{"list"};
    pos.values = dims.list("pos");
    if (pos.values.empty()) pos.values.push_back(0);
    if (pos.values.size() == 1) pos.values.assign(size_t(n.B), pos.values[0]);
    e.put(arg::pos, Type::i32, {int64_t(pos.values.size()), 1, 1, 1}, pos);
    e.attr[attr::scale] = dims.number("scale", 0);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"D=64 T=3 B=2 R=300 pos=250,7 type=f16 gate=1", "D=128 H=6 T=2 R=20 pos=3 layout=odd",
                                "D=64 H=2 H_kv=1 T=20 R=300 pos=250 type=f16",
                                "D=64 T=3 B=2 R=300 pos=250,7 type=q8_0", nullptr};

}  // namespace rw::ops::attention
