#include "vulkan/device.h"

#include <algorithm>

#include "core/log.h"
#include "core/product.h"
#include "vulkan/recording.h"

namespace rw::vulkan {

std::array<uint32_t, 3> three(const std::vector<core::Expr>& list, const core::Scope& scope) {
    std::array<uint32_t, 3> out{1, 1, 1};
    for (size_t i = 0; i < list.size() && i < 3; ++i) {
        const int64_t n = scope(list[i]);
        if (n < 1 || n > UINT32_MAX)
            throw Error(Status::internal, "kernel row: `" + list[i].text() + "` is " + std::to_string(n));
        out[i] = uint32_t(n);
    }
    return out;
}

bool takes(const core::Pass& pass, const Reflection& module, const std::string& name) {
    return module.constants.count(name) ||
           std::any_of(pass.local.begin(), pass.local.end(),
                       [&](const core::Expr& e) { return core::has_word(e.text(), name); });
}

Buffer& own(core::Buffer& buffer, const Context& context) {
    auto* mine = dynamic_cast<Buffer*>(&buffer);
    if (!mine || mine->context().device != context.device)
        throw Error(Status::invalid_argument, "a tensor's buffer is not one of " + context.info.id +
                                                  "; allocate it on this device or wrap it");
    return *mine;
}

std::string Implementation::decline(const ops::Call& call) const {
    return decline(call, device_.context()->info.facts);
}

std::string Implementation::decline_if_large(const ops::Call& call) const {
    std::map<std::string, int64_t> facts = device_.context()->info.facts;
    facts["max_binding"] = facts["binding_align"] + 128;  // room for vectors of indices
    return decline(call, facts);
}

std::string Implementation::decline(const ops::Call& call, const std::map<std::string, int64_t>& facts) const {
    const Context& c = *device_.context();
    if (row_.has_gemm()) return core::why::no_gemm;
    if (std::string reason = core::decline(op_, call, facts, row_); !reason.empty()) return reason;
    std::call_once(checked_, [&] {
        core::check_constants(op_, row_, [&](const core::Pass& pass, const std::string& name) {
            return takes(pass, device_.module(pass).reflection, name);
        });
    });
    const core::Scope scope(op_, call, facts, row_, core::tuned_values(row_.name));
    for (const core::Pass& pass : row_.passes) {
        const Reflection& r = device_.module(pass).reflection;
        if (r.bindings.size() > c.limits.maxPerStageDescriptorStorageBuffers)
            return "binds " + std::to_string(r.bindings.size()) + " buffers, more than the device allows in one kernel";
        const auto grid = three(pass.grid, scope);
        for (size_t d = 0; d < 3; ++d)
            if (grid[d] > c.limits.maxComputeWorkGroupCount[d])
                return "needs more work-groups than the device dispatches at once";
        for (const uint32_t b : r.bindings) {
            if (b < 2 || b - 2 >= call.arg.size() || !call.arg[b - 2]) continue;
            const int64_t most = c.info.facts.at("max_binding");
            if (int64_t(call.arg[b - 2].span()) + c.info.facts.at("binding_align") > most)
                return std::string(op_.args[b - 2].name) + " is larger than one binding of this device (" +
                       std::to_string(most) + " bytes)";
        }
    }
    for (const auto& [name, bytes] : row_.scratch)
        if (scope(bytes) > int64_t(c.limits.maxStorageBufferRange))
            return "scratch " + name + " is larger than one binding of this device: fewer sequences or tokens a call fit";
    return "";
}

uint64_t scratch_align(const Context& context) {
    return std::max<uint64_t>(context.limits.minStorageBufferOffsetAlignment, 16);
}

uint64_t Implementation::scratch(const ops::Call& call) const {
    if (row_.scratch.empty()) return 0;
    const Context& c = *device_.context();
    const core::Scope scope(op_, call, c.info.facts, row_, core::tuned_values(row_.name));
    return core::scratch_places(row_, scope, scratch_align(c)).back();
}

Device::Device(std::shared_ptr<Context> context) : core::Device(context->meter), context_(std::move(context)) {
    for (const ops::Op& op : ops::all()) {
        auto& list = implementations_.emplace_back();
        for (const core::KernelRow* row : core::kernel_rows(op, "vulkan", info().facts))
            list.push_back(std::make_unique<Implementation>(*this, op, *row));
    }
}

std::shared_ptr<core::Buffer> Device::wrap_native(uint64_t handle, uint64_t offset, uint64_t bytes) {
    return std::make_shared<Buffer>(context_, (VkBuffer)handle, offset, bytes);
}

std::vector<const core::Implementation*> Device::implementations(int op) const {
    std::vector<const core::Implementation*> list;
    for (const auto& i : implementations_.at(size_t(op))) list.push_back(i.get());
    return list;
}

std::unique_ptr<core::Recording> Device::record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch) {
    return std::make_unique<Recording>(std::static_pointer_cast<Device>(shared_from_this()), std::move(steps),
                                       std::move(scratch));
}

uint64_t Device::recording_bytes(std::span<const core::Step> steps) const {
    return (Recording::Blocks(*context_, steps).bytes + 15) / 16 * 16;
}

double Device::copy_seconds(core::Buffer& source, core::Buffer& target, uint64_t bytes) {
    const Buffer &from = own(source, *context_), &to = own(target, *context_);
    const VkBufferCopy region{from.base(), to.base(), bytes};
    return context_->run_once([&](VkCommandBuffer c) { vkCmdCopyBuffer(c, from.handle(), to.handle(), 1, &region); });
}

const Module& Device::module(const core::Pass& pass) {
    const std::lock_guard lock(mutex_);
    if (const auto it = modules_.find(pass.key); it != modules_.end()) return it->second;
    return modules_.emplace(pass.key, load_module(pass)).first->second;
}

std::shared_ptr<Program> Device::program(const core::Pass& pass, const Specialisation& values,
                                         const std::array<uint32_t, 3>& local) {
    const Module& m = module(pass);
    std::string key = pass.key + " |";
    for (const auto& [name, value] : values)  // constants of other passes of the row make no new pipeline
        if (m.reflection.constants.count(name)) key += " " + name + "=" + std::to_string(value);
    for (const uint32_t n : local) key += " " + std::to_string(n);
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Program>& program = programs_[key];
    if (!program) {
        core::log("compile", context_->info.id + ": " + key);
        program = std::make_shared<Program>(context_, pass.key, m, values, local);
    }
    return program;
}

}  // namespace rw::vulkan
