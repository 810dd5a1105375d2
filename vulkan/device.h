// The Vulkan core::Device: rows of .kernels files as implementations, pipelines made once.
#pragma once

#include "core/selftest.h"
#include "core/optional.h"
#include "vulkan/buffer.h"
#include "vulkan/program.h"

namespace rw::vulkan {

class Device;

/// One row of a .kernels file on one device.
class Implementation : public core::Implementation, public core::ForLargeTensors {
public:
    Implementation(Device& device, const ops::Op& op, const core::KernelRow& row) : device_(device), op_(op), row_(row) {}
    const std::string& name() const override { return row_.name; }
    std::string decline(const ops::Call& call) const override;
    std::string decline_if_large(const ops::Call& call) const override;
    uint64_t scratch(const ops::Call& call) const override;
    const core::KernelRow& row() const { return row_; }

private:
    std::string decline(const ops::Call& call, const std::map<std::string, int64_t>& facts) const;

    Device& device_;
    const ops::Op& op_;
    const core::KernelRow& row_;
    mutable std::once_flag checked_;  // the row's constants, at first use
};

class Device : public core::Device, public core::Losable {
public:
    explicit Device(std::shared_ptr<Context> context);
    const core::DeviceInfo& info() const override { return context_->info; }
    std::shared_ptr<core::Buffer> allocate(uint64_t bytes) override { return std::make_shared<Buffer>(context_, bytes); }
    std::shared_ptr<core::Buffer> wrap_native(uint64_t handle, uint64_t offset, uint64_t bytes) override;
    std::vector<const core::Implementation*> implementations(int op) const override;
    std::unique_ptr<core::Recording> record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch) override;
    uint64_t recording_bytes(std::span<const core::Step> steps) const override;
    uint64_t staging_bytes() const override { return context_->unified() ? 0 : Context::staging_bytes; }
    double copy_seconds(core::Buffer& source, core::Buffer& target, uint64_t bytes) override;
    void alive() const override { context_->alive(); }

    const std::shared_ptr<Context>& context() const { return context_; }
    const Module& module(const core::Pass& pass);
    std::shared_ptr<Program> program(const core::Pass& pass, const Specialisation& values,
                                     const std::array<uint32_t, 3>& local);

private:
    std::shared_ptr<Context> context_;
    std::vector<std::vector<std::unique_ptr<Implementation>>> implementations_;
    std::mutex mutex_;
    std::map<std::string, Module> modules_;                        // by pass key
    std::map<std::string, std::shared_ptr<Program>> programs_;     // by pass key, constants and local size
};

/// True when a constant of that name reaches the pass: its module declares it, or its work-group size is made of it.
bool takes(const core::Pass& pass, const Reflection& module, const std::string& name);
/// A buffer of this backend; throws invalid_argument for another's.
Buffer& own(core::Buffer& buffer, const Context& context);
/// Where pieces of scratch may begin.
uint64_t scratch_align(const Context& context);
/// Three numbers out of a row's one to three expressions; throws when one is below 1.
std::array<uint32_t, 3> three(const std::vector<core::Expr>& list, const core::Scope& scope);

}  // namespace rw::vulkan
