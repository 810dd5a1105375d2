// First-use check of GPU kernels: each implementation a device is about to use has to agree with the CPU on the first
// small calls of its contract's list that it takes. The verdict is cached per device, driver and library version
// (core/verdicts.h), unless REWIND_KERNEL_DIR or REWIND_TUNE change what runs; REWIND_SELFTEST=0 trusts everything, force
// ignores the cache, 1 is what holds without the variable.
#pragma once

#include "core/device.h"

namespace rw::core {

/// What an Implementation that may be made for large tensors also is.
class ForLargeTensors {
public:
    virtual ~ForLargeTensors() = default;
    /// Why the call would not be taken if its tensors were large, so that the self-test can try it on small ones.
    virtual std::string decline_if_large(const ops::Call& call) const = 0;
};

bool selftest_passed(Device& device, const ops::Op& op, const Implementation& implementation);

}  // namespace rw::core
