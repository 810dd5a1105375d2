#include "runtime/model/checkpoint.h"

#include "runtime/model/context.h"

namespace rw::model {
namespace {

/// Copies the states of a pool row to where they are kept, or back.
std::unique_ptr<core::Plan> copies(core::Device& device, const Pools& pools, int64_t row, bool back) {
    auto plan = std::make_unique<core::Plan>(device.shared_from_this());
    Lane none;
    Graph graph(none, [&](const ops::Call& call) { plan->add(call); }, false);
    const auto of_row = [&](Tensor t) {
        t.offset += uint64_t(row * t.nb[2]), t.ne[2] = 1;
        return t;
    };
    const auto add = [&](const Tensor& state, const Tensor& kept) {
        graph.add("COPY", {{"x", of_row(back ? kept : state)}, {"out", of_row(back ? state : kept)}});
    };
    for (const RecurrentPool& pool : pools.recurrent)
        add(pool.base, pool.kept_base), add(pool.inputs, pool.kept_inputs);
    return plan;
}

}  // namespace

void Checkpoints::begin(std::shared_ptr<core::Device> device, const Pools& pools) {
    device_ = std::move(device), pools_ = &pools;
    kept_.resize(size_t(pools.shape.sequences));
}

void Checkpoints::copy(int64_t row, bool back) {
    auto& plan = plans_[{row, back}];
    if (!plan) plan = copies(*device_, *pools_, row, back);
    plan->run();
}

uint64_t Checkpoints::bytes() const {
    uint64_t sum = 0;
    for (const auto& [which, plan] : plans_) sum += plan ? plan->bytes() : 0;
    return sum;
}

uint64_t Checkpoints::plan_bytes(core::Device& device, const Pools& pools) {
    if (pools.shape.form != StateForm::checkpoint) return 0;
    uint64_t sum = 0;
    for (const bool back : {false, true}) sum += copies(device, pools, 0, back)->bytes();
    return sum * uint64_t(pools.shape.sequences);
}

void Checkpoints::keep(const std::vector<Part>& parts, bool prefill) {
    if (pools_->shape.form != StateForm::checkpoint) return;
    for (const Part& part : parts) {
        Kept& kept = kept_.at(size_t(part.row));
        if (prefill || part.tokens.size() < 2 || !part.rope.empty()) {
            kept = {};
            continue;
        }
        if (!kept.in_place || kept.pos != part.pos) {
            kept = {};  // should the copy fail
            copy(part.row, false);
        }
        kept = {part.pos, {part.tokens.begin(), part.tokens.end()}};
    }
}

void Checkpoints::restore(int64_t row) {
    Kept& kept = kept_.at(size_t(row));
    if (kept.tokens.empty()) throw Error(Status::invalid_argument, "no state of this pool row was kept");
    copy(row, true);
    kept.in_place = true;
}

}  // namespace rw::model
