// A device whose implementations are what a test says: the reference with a fault planted, an implementation that
// declines, one that throws. Memory is the host's.
#pragma once

#include <functional>

#include "core/selftest.h"

namespace rw::test {

/// Runs a call on memory: args[i] points at the first element of argument i, null when absent. Returns fault bits.
using Kernel = std::function<uint32_t(const ops::Call& call, const std::vector<std::byte*>& args)>;

/// The definition, as a kernel: right, but rounded at the end of each call, so not the same bits for every partition.
uint32_t definition(const ops::Call& call, const std::vector<std::byte*>& args);
/// The CPU's plainest implementation, which keeps every promise. Faults are thrown.
uint32_t honest(const ops::Call& call, const std::vector<std::byte*>& args);

/// Why a call is not taken, or nothing.
using Refusal = std::function<std::string(const ops::Call& call)>;

struct FakeImplementation : core::Implementation, core::ForLargeTensors {
    FakeImplementation(std::string n, Kernel k, Refusal why)
        : label(std::move(n)), kernel(std::move(k)), refusal(std::move(why)) {}
    const std::string& name() const override { return label; }
    std::string decline(const ops::Call& call) const override { return refusal(call); }
    uint64_t scratch(const ops::Call&) const override { return 0; }
    std::string decline_if_large(const ops::Call& call) const override { return large_only ? "" : refusal(call); }
    std::string label;
    Kernel kernel;
    Refusal refusal;
    bool large_only = false;  // it is the tensors' size alone that it declines
};

class FakeDevice : public core::Device {
public:
    explicit FakeDevice(const std::string& name);
    /// Tried in the order of adding.
    FakeImplementation& add(const std::string& name, Kernel kernel, const std::string& refusal = "");
    FakeImplementation& add(const std::string& name, Kernel kernel, Refusal refusal);
    bool selftest = false;  // true: its kernels have to prove themselves before they are selected

    const core::DeviceInfo& info() const override { return info_; }
    std::shared_ptr<core::Buffer> allocate(uint64_t bytes) override;
    std::vector<const core::Implementation*> implementations(int op) const override;
    std::unique_ptr<core::Recording> record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer>) override;
    uint64_t recording_bytes(std::span<const core::Step>) const override { return 0; }
    bool needs_selftest() const override { return selftest; }
    double copy_seconds(core::Buffer&, core::Buffer&, uint64_t) override { return 0; }

private:
    core::DeviceInfo info_;
    std::vector<std::unique_ptr<FakeImplementation>> implementations_;
};

}  // namespace rw::test
