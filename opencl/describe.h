// Which devices there are, and what they say about themselves.
#pragma once

#include <CL/cl.h>

#include "core/device.h"

namespace rw::opencl {

/// All devices of all platforms in the loader's order. `note` tells in plain words why there are none.
std::vector<cl_device_id> list_devices(std::string& note);

/// Name, memory, and the facts that kernel rows may ask for:
///   cpu, gpu        1 for that type of device          software     1 when a driver runs it on the CPU
///   subgroups       1 with cl_khr_subgroups            shuffle      1 with cl_khr_subgroup_shuffle
///   f16, int64      1 when kernels may compute in it   units        compute units
///   max_local       work-items of a work-group         local_bytes  of local memory
///   unified         1 when host and device share memory
///   nvidia, amd, intel, arm, qualcomm                  1 for that vendor
core::DeviceInfo describe(cl_device_id device, const std::string& id);

}  // namespace rw::opencl
