// First-use check of GPU kernels: each implementation a device is about to use has to agree with the CPU on the small
// calls its contract lists. The verdict is cached per device, driver and library version; REWIND_SELFTEST=0 trusts
// everything, force ignores the cache.
#pragma once

#include "core/device.h"

namespace rw::core {

bool selftest_passed(Device& device, const ops::Op& op, const Implementation& implementation);

}  // namespace rw::core
