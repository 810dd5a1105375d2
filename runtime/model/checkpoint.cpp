#include "runtime/model/checkpoint.h"

#include "runtime/model/context.h"

namespace rw::model {

void Checkpoints::begin(std::shared_ptr<core::Device> device, const Pools& pools) {
    device_ = std::move(device), pools_ = &pools;
    kept_.resize(size_t(pools.shape.sequences));
}

void Checkpoints::copy(int64_t row, bool back) {
    auto& plan = plans_[{row, back}];
    if (!plan) {
        auto made = std::make_unique<core::Plan>(device_);
        Scratch none;
        Graph graph(none, made.get(), false);
        const auto of_row = [&](Tensor t) {
            t.offset += uint64_t(row * t.nb[2]), t.ne[2] = 1;
            return t;
        };
        const auto add = [&](const Tensor& state, const Tensor& kept) {
            graph.add("COPY", {{"x", of_row(back ? kept : state)}, {"out", of_row(back ? state : kept)}});
        };
        for (const RecurrentPool& pool : pools_->recurrent)
            add(pool.base, pool.kept_base), add(pool.inputs, pool.kept_inputs);
        plan = std::move(made);
    }
    plan->run();
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
