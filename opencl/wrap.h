// Running on what an engine already has. Its objects are retained while in use, and never destroyed or changed.
#pragma once

#include <CL/cl.h>

#include "core/device.h"

namespace rw::opencl {

struct Handles {
    cl_context context = nullptr;
    cl_device_id device = nullptr;
    cl_command_queue queue = nullptr;  // of that context and device; in or out of order, with or without profiling
};

std::shared_ptr<core::Device> wrap_device(const Handles& handles);

/// `size` bytes of a cl_mem from byte `offset` on, for a device made by wrap_device(). offset: a multiple of 16.
std::shared_ptr<core::Buffer> wrap_buffer(core::Device& device, cl_mem memory, uint64_t offset, uint64_t size);

}  // namespace rw::opencl
