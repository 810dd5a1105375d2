// What everything of one device shares: the OpenCL handles, the device's facts, and whether it was lost. Buffers and
// recordings keep it alive, so they may be destroyed in any order.
#pragma once

#include <atomic>
#include <memory>

#include "core/device.h"
#include "opencl/handle.h"

namespace rw::opencl {

/// A cl_mem with memory of its own.
struct Memory {
    MemHandle handle;
    core::Taken taken;
    cl_mem get() const { return handle.get(); }
    uint64_t size() const { return taken.bytes(); }
};

class Context {
public:
    /// A context and queue of our own.
    Context(cl_device_id device, core::DeviceInfo info);
    /// Around those of an engine, which are retained.
    Context(cl_context context, cl_device_id device, cl_command_queue queue, core::DeviceInfo info);

    cl_context get() const { return context_.get(); }
    cl_device_id device() const { return device_; }
    cl_command_queue queue() const { return queue_.get(); }
    const core::DeviceInfo& info() const { return info_; }
    bool profiles() const { return profiles_; }          // the queue keeps times
    bool out_of_order() const { return out_of_order_; }  // an engine's queue may be
    uint64_t sub_buffer_alignment() const { return alignment_; }
    const std::shared_ptr<core::Meter>& meter() const { return meter_; }

    /// Throws the Error that an OpenCL status means, if it is one. A lost device stays lost.
    void check(cl_int status, const std::string& doing) const;
    /// Throws when the device was lost before.
    void alive() const;
    /// Waits for an event and checks how its command ended.
    void wait(cl_event event, const std::string& doing) const;
    /// Bytes of device memory, made resident now so that it fails here and not in a later submit.
    Memory allocate(uint64_t bytes, cl_mem_flags flags = CL_MEM_READ_WRITE) const;
    /// A part of memory, from a multiple of sub_buffer_alignment() on.
    MemHandle part(cl_mem memory, uint64_t offset, uint64_t bytes, cl_mem_flags flags = CL_MEM_READ_WRITE) const;
    /// Keeps the commands of an out-of-order queue in order.
    void order() const;

private:
    void read_queue();

    ContextHandle context_;
    QueueHandle queue_;
    cl_device_id device_;
    core::DeviceInfo info_;
    bool profiles_ = false, out_of_order_ = false;
    uint64_t alignment_ = 128;
    std::shared_ptr<core::Meter> meter_ = std::make_shared<core::Meter>(0);
    mutable std::atomic<bool> lost_{false};
};

using ContextPtr = std::shared_ptr<const Context>;

/// Seconds between a command's start and another's end, by the device's clock; negative when it kept none.
double seconds_between(cl_event first, cl_event last);

}  // namespace rw::opencl
