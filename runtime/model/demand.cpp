#include "runtime/model/demand.h"

#include <algorithm>
#include <set>

#include "core/select.h"

namespace rw::model {
namespace {

/// What decides which kernels a block's calls take: types and shapes of its matrices and caches.
using Kind = std::vector<std::pair<Type, Extent>>;

Kind kind_of(const Block& block, const KvPool* cache) {
    Kind kind;
    const auto add = [&](std::initializer_list<Tensor> tensors) {
        for (const Tensor& t : tensors) kind.emplace_back(t.type, t.ne);
    };
    if (const auto& r = block.recurrent) add({r->qkv, r->z, r->alpha, r->beta, r->conv, r->out});
    if (const auto& a = block.attention) add({a->q, a->k, a->v, a->out, cache->k, cache->v});
    if (const auto& d = block.dense) add({d->gate, d->up, d->down});
    if (const auto& e = block.experts)
        add({e->router, e->gate, e->up, e->down, e->shared_router, e->shared.gate, e->shared.up, e->shared.down});
    return kind;
}

/// A model with one block of each kind, with the caches that belong to them.
struct Sketch {
    Sketch(const Weights& w, const Pools& p) : weights(w), pools(p) {
        weights.blocks.clear(), pools.recurrent.clear(), pools.kv.clear();
        std::set<Kind> known;
        size_t recurrent = 0, attention = 0;
        for (const Block& block : w.blocks) {
            const KvPool* cache = block.recurrent ? nullptr : &p.kv[attention++];
            const RecurrentPool* state = block.recurrent ? &p.recurrent[recurrent++] : nullptr;
            if (!known.insert(kind_of(block, cache)).second) continue;
            weights.blocks.push_back(block);
            if (cache) pools.kv.push_back(*cache);
            if (state) pools.recurrent.push_back(*state);
        }
        if (w.mtp) pools.kv.push_back(p.kv.back());
    }
    Weights weights;
    Pools pools;
};

/// The shapes that kernels may treat differently. Rows and sequences matter to different ops, so that every number of
/// either is there, not every combination; what depends on both is most for full sequences.
template <class Use>
void every_shape(const Options& o, bool mtp, const Use& use) {
    const int64_t P = o.pools.sequences, most = o.pools.most_exact, rows = std::max<int64_t>(o.logit_rows, 1);
    const auto with_heads = [&](Shape s) {
        use(s);
        if (mtp) s.mtp_logits = true, use(s);
    };
    for (int64_t N = 1; N <= P * most; ++N)
        with_heads({.N = N, .B = (N + most - 1) / most, .longest = std::min(N, most), .logits = N});
    for (int64_t B = 1; B <= P; ++B)
        for (int64_t longest = 1; longest <= most; ++longest)
            use({.N = B * longest, .B = B, .longest = longest, .mtp_logits = mtp});
    for (int64_t N = 1; N <= o.chunk; ++N)
        with_heads({.N = N, .longest = N, .logits = std::min(N, rows), .prefill = true});
    for (int64_t B = 1; mtp && most > 1 && B <= P; ++B) use({.N = B, .B = B, .steps = 1, .mtp = true});
}

}  // namespace

std::vector<Shape> largest_shapes(const Options& o, bool mtp) {
    const PoolShape& p = o.pools;
    const int64_t exact = p.sequences * p.most_exact, rows = std::max<int64_t>(o.logit_rows, 1);
    std::vector<Shape> list{
        {.N = exact, .B = p.sequences, .longest = p.most_exact, .logits = exact, .planes = 3, .mtp = mtp,
         .mtp_logits = mtp},
        {.N = o.chunk, .longest = o.chunk, .logits = rows, .planes = 3, .prefill = true, .mtp = mtp,
         .mtp_logits = mtp}};
    if (mtp && p.most_exact > 1)
        list.push_back({.N = p.sequences, .B = p.sequences, .steps = p.most_exact - 1, .mtp = true});
    return list;
}

Demand demand_of(core::Device& device, const Forward& forward, std::span<Lane> lanes, const Options& options) {
    Demand demand;
    const bool mtp = forward.weights.mtp.has_value();
    const auto record = [&](const Shapes& shapes) {
        core::Plan plan(device.shared_from_this());
        forward.build(shapes, lanes, [&](const ops::Call& call) { plan.add(call); });
        demand.plan = std::max(demand.plan, device.recording_bytes(plan.steps()));
        demand.scratch = std::max(demand.scratch, plan.scratch_bytes());
    };
    const std::vector<Shape> largest = largest_shapes(options, mtp);
    for (const Shape& shape : largest) record(shape.prefill ? Shapes{{}, shape} : Shapes{shape, {}});
    if (lanes.size() > 1) record({largest[0], largest[1]});
    const Sketch sketch(forward.weights, forward.pools);
    const Forward each{forward.geometry, sketch.weights, sketch.pools, forward.top, forward.draft_vocab};
    every_shape(options, mtp, [&](const Shape& shape) {
        Graph graph(shape.prefill ? lanes.back() : lanes.front(), [&](const ops::Call& call) {
            const core::Implementation& taken = core::select(device, ops::all()[size_t(call.op)], call);
            demand.scratch = std::max(demand.scratch, taken.scratch(call));
        }, shape.prefill);
        each.build(graph, shape);
    });
    return demand;
}

}  // namespace rw::model
