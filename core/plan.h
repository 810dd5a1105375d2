// A list of op calls, validated, selected and recorded once, then replayed.
#pragma once

#include "core/select.h"

namespace rw::core {

class Plan {
public:
    /// scratch: see Device::record.
    explicit Plan(std::shared_ptr<Device> device, std::shared_ptr<Buffer> scratch = nullptr)
        : device_(std::move(device)), scratch_(std::move(scratch)) {}
    ~Plan();

    /// Validates and selects; returns the step's index. On error the plan is as it was.
    size_t add(const ops::Call& call, const std::string& forced = "");
    /// New tensors or attributes for a step, e.g. fewer tokens or other slots. Cheap while the implementation and the
    /// buffers stay; records again when they change. On error the plan is as it was.
    /// `forced`: null keeps what add() was told, "" leaves the choice to the library again.
    void update(size_t step, const ops::Call& call, const std::string* forced = nullptr);
    /// Records it now rather than in the first submit(): what that throws comes before anything has run.
    void prepare();
    void submit();
    void wait();
    void run() { submit(), wait(); }

    std::span<const Step> steps() const { return steps_; }
    const ops::Call& call(size_t step) const { return steps_.at(step).call; }
    const std::string& implementation(size_t step) const { return steps_.at(step).implementation->name(); }
    double seconds() const;
    Device& device() { return *device_; }
    /// Bytes of scratch that the steps need, and of the device's memory that the plan takes when it is recorded, with
    /// scratch of its own where it was not given enough.
    uint64_t scratch_bytes() const;
    uint64_t bytes() const;

private:
    std::shared_ptr<Device> device_;
    std::shared_ptr<Buffer> scratch_;
    std::vector<Step> steps_;
    std::vector<std::string> forced_;
    std::unique_ptr<Recording> recording_;
};

}  // namespace rw::core
