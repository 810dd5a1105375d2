#include "opencl/context.h"

namespace rw::opencl {
namespace {

/// What an OpenCL status means to a caller of this library.
Status meaning(cl_int status) {
    switch (status) {
        case CL_MEM_OBJECT_ALLOCATION_FAILURE:
        case CL_OUT_OF_RESOURCES:
        case CL_OUT_OF_HOST_MEMORY:
        case CL_INVALID_BUFFER_SIZE: return Status::out_of_memory;
        case CL_DEVICE_NOT_AVAILABLE:
        case CL_INVALID_COMMAND_QUEUE:  // what some drivers answer ever after a kernel was killed
        case CL_INVALID_CONTEXT:
        case -9999: return Status::device_lost;  // NVIDIA: illegal access in a kernel
        default: return Status::internal;
    }
}

std::string advice(Status s) {
    if (s == Status::out_of_memory) return "; free buffers or use smaller ones, everything else still works";
    if (s == Status::device_lost) return "; destroy the device and open it again";
    return "";
}

}  // namespace

Context::Context(cl_device_id device, core::DeviceInfo info) : device_(device), info_(std::move(info)) {
    cl_int status = CL_SUCCESS;
    context_ = ContextHandle(clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &status));
    check(status, "creating a context");
    queue_ = QueueHandle(clCreateCommandQueue(context_.get(), device_, CL_QUEUE_PROFILING_ENABLE, &status));
    if (status == CL_INVALID_QUEUE_PROPERTIES)
        queue_ = QueueHandle(clCreateCommandQueue(context_.get(), device_, 0, &status));
    check(status, "creating a queue");
    read_queue();
}

Context::Context(cl_context context, cl_device_id device, cl_command_queue queue, core::DeviceInfo info)
    : context_(ContextHandle::retain(context)), queue_(QueueHandle::retain(queue)), device_(device),
      info_(std::move(info)) {
    read_queue();
}

void Context::read_queue() {
    cl_command_queue_properties properties = 0;
    check(clGetCommandQueueInfo(queue(), CL_QUEUE_PROPERTIES, sizeof properties, &properties, nullptr), "asking the queue");
    profiles_ = properties & CL_QUEUE_PROFILING_ENABLE;
    out_of_order_ = properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    cl_uint bits = 0;
    clGetDeviceInfo(device_, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, nullptr);
    alignment_ = std::max<uint64_t>(alignment_, bits / 8);
}

void Context::check(cl_int status, const std::string& doing) const {
    if (status >= 0) return;
    const Status s = meaning(status);
    if (s == Status::device_lost) lost_ = true;
    throw Error(s, info_.id + ": " + doing + " failed: " + name_of(s) + " (OpenCL status " + std::to_string(status) +
                       ")" + advice(s));
}

void Context::alive() const {
    if (lost_) throw Error(Status::device_lost, info_.id + ": the device was lost" + advice(Status::device_lost));
}

void Context::wait(cl_event event, const std::string& doing) const {
    const cl_int waited = clWaitForEvents(1, &event);
    cl_int status = CL_COMPLETE;
    if (clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr) == CL_SUCCESS)
        check(status, doing);
    check(waited, doing);
}

Memory Context::allocate(uint64_t bytes, cl_mem_flags flags) const {
    alive();
    const std::string doing = "allocating " + std::to_string(bytes) + " bytes";
    if (bytes > info_.max_allocation)
        throw Error(Status::out_of_memory, info_.id + ": " + doing + ": a buffer holds at most " +
                                               std::to_string(info_.max_allocation) + " bytes on this device");
    cl_int status = CL_SUCCESS;
    MemHandle memory(clCreateBuffer(get(), flags, size_t(std::max<uint64_t>(bytes, 1)), nullptr, &status));
    check(status, doing);
    EventHandle moved;
    cl_mem raw = memory.get();
    check(clEnqueueMigrateMemObjects(queue(), 1, &raw, CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED, 0, nullptr, moved.out()),
          doing);
    wait(moved.get(), doing);
    return {std::move(memory), core::Taken(meter_, std::max<uint64_t>(bytes, 1))};
}

MemHandle Context::part(cl_mem memory, uint64_t offset, uint64_t bytes, cl_mem_flags flags) const {
    const cl_buffer_region region{size_t(offset), size_t(bytes)};
    cl_int status = CL_SUCCESS;
    MemHandle part(clCreateSubBuffer(memory, flags, CL_BUFFER_CREATE_TYPE_REGION, &region, &status));
    check(status, "dividing a buffer");
    return part;
}

void Context::order() const {
    if (out_of_order_) check(clEnqueueBarrierWithWaitList(queue(), 0, nullptr, nullptr), "ordering commands");
}

double seconds_between(cl_event first, cl_event last) {
    cl_ulong start = 0, end = 0;
    if (clGetEventProfilingInfo(first, CL_PROFILING_COMMAND_START, sizeof start, &start, nullptr) != CL_SUCCESS ||
        clGetEventProfilingInfo(last, CL_PROFILING_COMMAND_END, sizeof end, &end, nullptr) != CL_SUCCESS)
        return -1;
    return end >= start ? 1e-9 * double(end - start) : -1;
}

}  // namespace rw::opencl
