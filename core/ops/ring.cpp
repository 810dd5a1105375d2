#include "core/ops/ring.h"

namespace rw::ops {

void validate_ring(const Check& check, const Call& call, const RingArgs& at, const RingSizes& s, int64_t B) {
    const Tensor& base = call.arg[at.base];
    const int64_t n_base = base.ne[1], R = call.arg[at.ring_k].ne[2], P = base.ne[2];
    check.shape(at.base, "base", {s.S_k * s.S_v * s.H_v, -1, -1, 1}, "[S_k S_v H_v, n_base, P]");
    check.that(n_base >= 2, "base: dimension 1 (n_base) has to be at least 2, got ", n_base);
    const int64_t W = R / n_base;
    check.that(R % n_base == 0 && (W == 4 || W == 8 || W == 16 || W == 32 || W == 64),
               "ring_k: dimension 2 is W n_base with W one of 4, 8, 16, 32, 64; got ", R, " rows for n_base = ",
               n_base);
    check.shape(at.ring_k, "ring_k", {s.S_k, s.H_k, R, P}, "[S_k, H_k, W n_base, P]");
    check.shape(at.ring_d, "ring_d", {s.S_v, s.H_v, R, P}, "[S_v, H_v, W n_base, P]");
    check.shape(at.ring_g, "ring_g", {s.gate, s.H_v, R, P}, "[1 or S_k like g, H_v, W n_base, P]");
    check.shape(at.pos, "pos", {B, 1, 1, 1}, "[B]");
    check.packed(at.pos, "pos", 0), check.packed(at.base, "base", 0);
    if (call.arg[at.seq]) {
        check.shape(at.seq, "seq", {B, 1, 1, 1}, "[B]");
        check.packed(at.seq, "seq", 0);
    } else {
        check.that(P >= B, "base: ", P, " pool rows for ", B, " sequences; give a row to each, or name rows with seq");
    }
    static constexpr const char* names[] = {"base", "ring_k", "ring_d", "ring_g"};
    const int args[] = {at.base, at.ring_k, at.ring_d, at.ring_g};
    for (int i = 0; i < 4; ++i) check.rows(args[i], names[i]), check.fits(args[i], names[i]);
}

void example_ring(const Dims& dims, Example& example, const RingArgs& at, const RingSizes& s, int64_t B) {
    const int64_t W = dims.integer("W", 16), n_base = dims.integer("n_base", 2), P = dims.integer("pool", B);
    const int64_t R = W * n_base;
    Fill pos{"list"};
    pos.values = dims.list("pos");
    if (pos.values.empty()) pos.values.assign(size_t(B), 0);
    example.put(at.pos, Type::i32, {int64_t(pos.values.size()), 1, 1, 1}, pos);
    example.put(at.base, Type::f32, {s.S_k * s.S_v * s.H_v, n_base, P, 1}, Fill{"states", dims.word("state", "normal")});
    example.put(at.ring_k, Type::f32, {s.S_k, s.H_k, R, P}, Fill{"unit_rows"});
    example.put(at.ring_d, Type::f32, {s.S_v, s.H_v, R, P}, Fill{"normal"});
    example.put(at.ring_g, Type::f32, {s.gate, s.H_v, R, P}, Fill{"gates", dims.word("rowg", "weak")});
}

}  // namespace rw::ops
