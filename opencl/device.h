// One OpenCL device: its implementations (rows of shaders/*.kernels) and the programs compiled for it so far.
#pragma once

#include <functional>
#include <mutex>

#include "core/optional.h"
#include "opencl/buffer.h"
#include "opencl/gemm.h"
#include "opencl/program.h"

namespace rw::opencl {

class Implementation : public core::Implementation {
public:
    Implementation(const ops::Op& op, const core::KernelRow& row, const Context& context)
        : op(op), row(row), context_(context) {}
    const std::string& name() const override { return row.name; }
    std::string decline(const ops::Call& call) const override;
    uint64_t scratch(const ops::Call& call) const override;
    const ops::Op& op;
    const core::KernelRow& row;

private:
    void for_products(const ops::Call& call, const std::function<void(const core::Product&)>& visit) const;

    const Context& context_;
    mutable std::once_flag checked_;  // the row's constants, at first use
};

class Device : public core::Device, public core::Losable {
public:
    explicit Device(ContextPtr context);

    const core::DeviceInfo& info() const override { return context_->info(); }
    std::shared_ptr<core::Buffer> allocate(uint64_t bytes) override;
    std::shared_ptr<core::Buffer> wrap_host(void* memory, uint64_t bytes) override;
    std::shared_ptr<core::Buffer> wrap_native(uint64_t handle, uint64_t offset, uint64_t bytes) override;
    std::vector<const core::Implementation*> implementations(int op) const override;
    std::unique_ptr<core::Recording> record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch) override;
    uint64_t recording_bytes(std::span<const core::Step> steps) const override;
    double copy_seconds(core::Buffer& source, core::Buffer& target, uint64_t bytes) override;
    void alive() const override { context_->alive(); }

    const Context& context() const { return *context_; }
    /// Compiled once a source and set of options.
    std::shared_ptr<const Program> program(const core::Pass& pass,
                                           const std::vector<std::pair<std::string, int64_t>>& specialisation);
    /// Products of matrices; the first call loads them.
    const Gemm& gemm();
    /// The buffer as one of this device; throws for a foreign one.
    Buffer& own(core::Buffer& buffer) const;

private:
    ContextPtr context_;
    std::vector<std::vector<std::unique_ptr<Implementation>>> implementations_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const Program>> programs_;
    std::optional<Gemm> gemm_;
};

}  // namespace rw::opencl
