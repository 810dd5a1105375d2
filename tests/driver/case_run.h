// One case on any number of devices; what does not depend on the device is computed once.
#pragma once

#include "tests/driver/report.h"
#include "tests/driver/suite.h"

namespace rw::test {

class CaseRun {
public:
    /// Throws Error when the line makes no sense for the op.
    CaseRun(const ops::Op& op, const std::string& line, uint64_t seed);
    const Case& test() const { return test_; }
    /// On every implementation of the device that takes the case, and relations once more on whatever the library
    /// selects for each call; or on one of these.
    std::vector<Finding> on(const std::shared_ptr<core::Device>& device, const std::string& only = "");

private:
    Finding one(const std::shared_ptr<core::Device>& device, const std::string& implementation);
    void against_reference(Lab& lab);
    void against_first(Lab& lab, const Outcome& got);
    const Check& checker() const;

    const ops::Op& op_;
    const Case test_;
    const uint64_t seed_;
    Inputs in_;
    std::optional<Expected> want_;
    std::optional<Outcome> first_;  // of the first implementation that ran, on the CPU when it takes part
    std::string first_name_;
};

}  // namespace rw::test
