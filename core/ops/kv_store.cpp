#include "rewind/ops/kv_store.h"

#include "core/ops/rows.h"
#include "core/ops/slots.h"

namespace rw::ops::kv_store {
namespace {

constexpr SlotArgs slot_args{arg::k, -1, -1, -1, arg::seq, arg::first, arg::seq_len, -1, attr::max_len};

/// One of the two pairs of rows and cache.
void validate_pair(const Check& check, const Call& call, int rows, const char* rows_name, int cache,
                   const char* cache_name) {
    const Extent &ne = call.arg[rows].ne, &k = call.arg[arg::k].ne, &stored = call.arg[arg::cache_k].ne;
    const Tensor& c = call.arg[cache];
    check.shape(rows, rows_name, {-1, k[1], k[2], k[3]}, "[D, H, T, B]");
    check.rows(rows, rows_name), check.fits(rows, rows_name);
    check.shape(cache, cache_name, {ne[0], k[1], stored[2], stored[3]}, "[D, H, R, P]");
    check.rows(cache, cache_name), check.fits(cache, cache_name);
    if (c.type != Type::f16) return;
    bool words = ne[0] % 2 == 0 && c.offset % 4 == 0;
    for (size_t d = 1; d < 4; ++d) words = words && (c.ne[d] == 1 || c.nb[d] % 4 == 0);
    check.that(words, cache_name,
               ": rows of 16-bit elements have to begin at multiples of 4 bytes and to have an even number of them");
}

}  // namespace

void validate(const Call& call) {
    const Check check("KV_STORE", call);
    validate_sequences(check, call, slot_args);
    const Tokens n = tokens_of(call, slot_args);
    validate_pair(check, call, arg::k, "k", arg::cache_k, "cache_k");
    validate_pair(check, call, arg::v, "v", arg::cache_v, "cache_v");
    check.shape(arg::pos, "pos", {n.B, 1, 1, 1}, "[B]"), check.packed(arg::pos, "pos", 0);
    const int64_t pool = call.arg[arg::cache_k].ne[3];
    check.that(call.arg[arg::seq] || pool >= n.B, "cache_k: ", pool, " pool rows for ", n.B,
               " sequences; give a row to each, or name rows with seq");
}

Params params(const Call& call) {
    const Tensor &k = call.arg[arg::k], &v = call.arg[arg::v];
    const Tensor &ck = call.arg[arg::cache_k], &cv = call.arg[arg::cache_v];
    Params p{};
    fill_sequences(call, slot_args, p);
    p.pool = int32_t(ck.ne[3]), p.R = int32_t(ck.ne[2]), p.H = int32_t(k.ne[1]);
    p.D_k = int32_t(k.ne[0]), p.D_v = int32_t(v.ne[0]);
    p.k_h = int32_t(k.stride(1)), p.k_t = int32_t(k.stride(2)), p.k_b = int32_t(k.stride(3));
    p.v_h = int32_t(v.stride(1)), p.v_t = int32_t(v.stride(2)), p.v_b = int32_t(v.stride(3));
    p.ck_h = int32_t(ck.stride(1)), p.ck_r = int32_t(ck.stride(2)), p.ck_b = int32_t(ck.stride(3));
    p.cv_h = int32_t(cv.stride(1)), p.cv_r = int32_t(cv.stride(2)), p.cv_b = int32_t(cv.stride(3));
    p.k_type = int32_t(ck.type), p.v_type = int32_t(cv.type);
    return p;
}

Cost cost(const Call& call) {
    const Tensor &k = call.arg[arg::k], &v = call.arg[arg::v];
    const Tensor &ck = call.arg[arg::cache_k], &cv = call.arg[arg::cache_v];
    const double rows = double(token_count(call, slot_args)) * double(k.ne[1]);
    const double bytes = 4 * double(k.ne[0] + v.ne[0]) + double(ck.steps(0)) * size_of(ck.type) +
                         double(cv.steps(0)) * size_of(cv.type);
    return {rows * bytes, rows * double(k.ne[0] + v.ne[0])};
}

double tolerance(const Call&, int) { return 0; }

namespace {

Fill values(const Dims& dims, int64_t count) {
    const std::string style = dims.word("x", "normal");
    if (style == "small") return Fill{"uniform", "", -1e-3, 1e-3};
    if (style != "ties" && style != "past") return example_values(dims);
    Fill fill{"list"};
    for (int64_t i = 0; i < count; ++i) {
        const int64_t x = i % 32 == 0 ? 254 : i * 2654435761 % 4294967296 % 509 - 254;
        const int64_t by[] = {1, 32759, 32760, 0, 1 << 24};  // d: 2, the last finite one, the first that is not, ...
        fill.values.push_back(style == "ties" ? x : x * by[i / 32 % 5]);
    }
    return fill;
}

}  // namespace

Example example(const Dims& dims) {
    Example e;
    e.arg.resize(arg::count), e.attr.resize(attr::count);
    const Tokens n = example_sequences(dims, e, slot_args);
    const int64_t D = dims.integer("D", 64), D_v = dims.integer("D_v", D), H = dims.integer("H", 2);
    const int64_t R = dims.integer("R", 32), P = dims.integer("pool", n.B), last = n.packed ? 1 : n.B;
    const std::string layout = dims.word("layout", "packed");
    const std::string cache_layout = dims.word("cachelayout", "packed");
    const Type type = example_cache_type(dims), type_v = example_cache_type(dims, "type_v", name_of(type));
    lay_out(e.put(arg::k, Type::f32, {D, H, n.N, last}, values(dims, D * H * n.N * last)), layout);
    lay_out(e.put(arg::v, Type::f32, {D_v, H, n.N, last}, values(dims, D_v * H * n.N * last)), layout);
    lay_out(e.put(arg::cache_k, type, {D, H, R, P}, Fill{"normal"}), cache_layout);
    lay_out(e.put(arg::cache_v, type_v, {D_v, H, R, P}, Fill{"normal"}), cache_layout);
    Fill pos{"list"};
    pos.values = dims.list("pos");
    if (pos.values.empty()) pos.values.push_back(0);
    if (pos.values.size() == 1) pos.values.assign(size_t(n.B), pos.values[0]);
    e.put(arg::pos, Type::i32, {int64_t(pos.values.size()), 1, 1, 1}, pos);
    stretch(dims, e);
    return e;
}

const char* const selftest[] = {"D=128 H=2 T=5 B=2 type=f16 pos=3,20", "D=64 D_v=80 H=3 T=3 pos=7 layout=odd",
                                "D=96 H=3 T=3 pos=7 type=q8_0", nullptr};

}  // namespace rw::ops::kv_store
