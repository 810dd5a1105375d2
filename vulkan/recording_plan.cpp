// From a call and its kernel row to launches: pipelines, bindings, grids, token ranges, and the parameter block.
#include <algorithm>
#include <cstring>

#include "vulkan/recording.h"

namespace rw::vulkan {
namespace {

/// Device time that even a slow integrated GPU would keep; see Recording::record.
double estimate(const ops::Cost& cost) { return cost.bytes / 5e9 + cost.flops / 50e9; }

std::vector<Range> ranges(const core::Pass& pass, const core::Scope& scope) {
    const int64_t T = scope.tokens();
    if (pass.split.empty()) return {{0, int32_t(T)}};
    const int64_t most = scope(pass.split);
    if (most < 1) throw Error(Status::internal, "kernel row: split `" + pass.split.text() + "` is below 1");
    std::vector<Range> list;
    for (int64_t t = 0; t < T; t += most) list.push_back({int32_t(t), int32_t(std::min(t + most, T))});
    return list;
}

}  // namespace

Recording::Binding Recording::bind(uint32_t binding, const Tensor& t, uint32_t* arg) const {
    const Buffer& buffer = own(*t.buffer, context_);
    const uint64_t align = std::max<uint64_t>(context_.limits.minStorageBufferOffsetAlignment, 4);
    const uint64_t start = t.offset / align * align, address = buffer.address() ? buffer.address() + t.offset : 0;
    arg[0] = uint32_t(address), arg[1] = uint32_t(address >> 32);
    arg[2] = uint32_t((t.offset - start) / info(t.type).align);
    arg[3] = 1;
    // Whole words: kernels fetch 16-bit elements in pairs.
    const uint64_t end = std::min((t.offset + t.span() + 3) / 4 * 4, buffer.padded_size());
    return {binding, buffer.handle(), buffer.base() + start, end - start};
}

Recording::Planned Recording::plan(size_t step, const ops::Call& call) const {
    const auto& implementation = static_cast<const Implementation&>(*steps_[step].implementation);
    const core::KernelRow& row = implementation.row();
    const ops::Op& op = ops::all()[size_t(call.op)];
    const core::Scope scope(op, call, context_.info.facts, row, core::tuned_values(row.name));

    Planned out;
    out.block.resize(RW_MAX_ARGS * 16 + scope.params().size());
    std::memcpy(out.block.data() + RW_MAX_ARGS * 16, scope.params().data(), scope.params().size());
    auto* arg = reinterpret_cast<uint32_t*>(out.block.data());

    // By binding number: block, fault word, arguments, scratch.
    std::vector<Binding> all{{0, blocks_->handle(), layout_.first + step * layout_.stride, layout_.stride},
                             {1, blocks_->handle(), 0, 4}};
    for (size_t i = 0; i < call.arg.size(); ++i) {
        const uint32_t number = uint32_t(i + 2);
        all.push_back(call.arg[i] ? bind(number, call.arg[i], arg + 4 * i) : Binding{number, blocks_->handle(), 0, 4});
    }
    const std::vector<uint64_t> scratch = core::scratch_places(row, scope, scratch_align(context_));
    for (size_t i = 0; i + 1 < scratch.size(); ++i) {
        const uint64_t size = scratch[i + 1] - scratch[i];
        const uint32_t number = uint32_t(all.size());
        all.push_back(size ? Binding{number, VK_NULL_HANDLE, scratch[i], size} : Binding{number, blocks_->handle(), 0, 4});
    }
    out.scratch = scratch.back();

    size_t dispatches = 0;
    for (const core::Pass& pass : row.passes) {
        if (!pass.when.empty() && !scope(pass.when)) continue;
        const Module& module = device_->module(pass);
        Launch launch;
        launch.program = device_->program(pass, scope.specialisation(), three(pass.local, scope));
        launch.groups = three(pass.grid, scope);
        launch.ranges = ranges(pass, scope);
        for (const uint32_t b : module.reflection.bindings) {
            if (b >= all.size())
                throw Error(Status::internal, pass.key + ": binding " + std::to_string(b) + " is not of this op or row");
            launch.bindings.push_back(all[b]);
        }
        dispatches += launch.ranges.size();
        out.launches.push_back(std::move(launch));
    }
    for (Launch& launch : out.launches) launch.seconds = estimate(op.cost(call)) / double(dispatches);
    return out;
}

}  // namespace rw::vulkan
