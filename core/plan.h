// A list of op calls, validated, selected and recorded once, then replayed.
#pragma once

#include "core/select.h"

namespace rw::core {

class Plan {
public:
    explicit Plan(std::shared_ptr<Device> device) : device_(std::move(device)) {}
    ~Plan();

    /// Validates and selects; returns the step's index. On error the plan is as it was.
    size_t add(const ops::Call& call, const std::string& forced = "");
    /// New tensors or attributes for a step, e.g. fewer tokens or other slots. Cheap while the implementation and the
    /// buffers stay; records again when they change. On error the plan is as it was.
    /// `forced`: null keeps what add() was told, "" leaves the choice to the library again.
    void update(size_t step, const ops::Call& call, const std::string* forced = nullptr);
    void submit();
    void wait();
    void run() { submit(), wait(); }

    const ops::Call& call(size_t step) const { return steps_.at(step).call; }
    const std::string& implementation(size_t step) const { return steps_.at(step).implementation->name(); }
    double seconds() const;
    Device& device() { return *device_; }

private:
    std::shared_ptr<Device> device_;
    std::vector<Step> steps_;
    std::vector<std::string> forced_;
    std::unique_ptr<Recording> recording_;
};

}  // namespace rw::core
