#include "runtime/model/pool.h"

namespace rw::model {
namespace {

RecurrentPool recurrent_pool(const PoolShape& s, const gguf::Geometry& g, Memory& memory) {
    const int64_t D = int64_t(g.state) * g.state * g.v_heads, C = g.conv_width(), P = s.sequences;
    RecurrentPool pool;
    if (s.form != StateForm::ring) {
        const Extent states{D, s.slots(), P, 1}, windows{(g.conv - 1) * C, s.slots(), P, 1};
        pool.base = memory.make("recurrent state", Type::f32, states);
        pool.inputs = memory.make("recurrent state", Type::f32, windows);
        if (s.form == StateForm::snapshots) return pool;
        pool.kept_base = memory.make("recurrent state", Type::f32, states);
        pool.kept_inputs = memory.make("recurrent state", Type::f32, windows);
        return pool;
    }
    const int64_t rows = s.W * s.n_base();
    pool.base = memory.make("recurrent state", Type::f32, {D, s.n_base(), P, 1});
    pool.ring_k = memory.make("recurrent state", Type::f32, {g.state, g.k_heads, rows, P});
    pool.ring_d = memory.make("recurrent state", Type::f32, {g.state, g.v_heads, rows, P});
    pool.ring_g = memory.make("recurrent state", Type::f32, {1, g.v_heads, rows, P});
    pool.inputs = memory.make("recurrent state", Type::f32, {C, s.ring(g.conv), P, 1});
    return pool;
}

void zero(const Tensor& t, int64_t row) {  // of dimension 2: the slots of a sequence
    clear(*t.buffer, t.offset + uint64_t(row * t.nb[2]), uint64_t(t.nb[2]));
}

void copy_slot(const Tensor& t, int64_t row, int64_t from, int64_t to) {
    std::vector<std::byte> slot(size_t(t.nb[1]));
    const uint64_t start = t.offset + uint64_t(row * t.nb[2]);
    t.buffer->read(start + uint64_t(from * t.nb[1]), slot.data(), slot.size());
    t.buffer->write(start + uint64_t(to * t.nb[1]), slot.data(), slot.size());
}

}  // namespace

void Pools::make_last(int64_t row, int64_t slot) const {
    const int64_t last = shape.slots() - 1;
    if (slot == last) return;
    for (const RecurrentPool& pool : recurrent) copy_slot(pool.base, row, slot, last), copy_slot(pool.inputs, row, slot, last);
}

void Pools::clear(int64_t row) const {
    for (const RecurrentPool& pool : recurrent) {
        zero(pool.base, row);
        if (shape.form != StateForm::ring) zero(pool.inputs, row);
    }
}

Pools make_pools(const PoolShape& shape, const gguf::Geometry& g, bool with_mtp, Memory& memory) {
    Pools pools;
    pools.shape = shape;
    for (uint32_t i = 0; i < (with_mtp ? g.blocks : g.trunk()); ++i) {
        if (g.recurrent[i]) {
            pools.recurrent.push_back(recurrent_pool(shape, g, memory));
            continue;
        }
        const char* purpose = i < g.trunk() ? "kv cache" : "mtp kv cache";
        pools.kv.push_back({memory.make(purpose, shape.kv, {g.key_length, g.kv_heads[i], shape.context, shape.sequences}),
                            memory.make(purpose, shape.kv, {g.value_length, g.kv_heads[i], shape.context, shape.sequences})});
    }
    if (with_mtp)
        // One row more than the law asks for: a draft that is never verified leaves a row at the next position.
        pools.hidden = memory.make("mtp hidden rows", Type::f32, {g.width, shape.ring(2) + 1, shape.sequences, 1});
    return pools;
}

}  // namespace rw::model
