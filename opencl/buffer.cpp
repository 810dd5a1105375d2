#include "opencl/buffer.h"

namespace rw::opencl {
namespace {

/// A sub-buffer lies in its parent.
core::Place place_of(cl_mem memory, uint64_t base) {
    cl_mem parent = nullptr;
    size_t offset = 0;
    clGetMemObjectInfo(memory, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof parent, &parent, nullptr);
    clGetMemObjectInfo(memory, CL_MEM_OFFSET, sizeof offset, &offset, nullptr);
    return parent ? core::Place{parent, offset + base} : core::Place{memory, base};
}

}  // namespace

Buffer::Buffer(ContextPtr context, uint64_t size)
    : Buffer(context, size, context->allocate(size)) {}

Buffer::Buffer(ContextPtr context, uint64_t size, Memory memory)
    : core::Buffer(size), context_(std::move(context)), memory_(std::move(memory.handle)), taken_(std::move(memory.taken)),
      place_{memory_.get(), 0} {}

Buffer::Buffer(ContextPtr context, cl_mem foreign, uint64_t base, uint64_t size)
    : core::Buffer(size), context_(std::move(context)), memory_(MemHandle::retain(foreign)), base_(base),
      place_(place_of(foreign, base)) {}

Buffer::Buffer(ContextPtr context, void* host, uint64_t size)
    : core::Buffer(size), context_(std::move(context)), host_(host), place_{nullptr, reinterpret_cast<uintptr_t>(host)} {
    cl_int status = CL_SUCCESS;
    memory_ = MemHandle(clCreateBuffer(context_->get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size_t(size), host, &status));
    context_->check(status, "wrapping " + std::to_string(size) + " bytes of host memory");
}

size_t Buffer::at(uint64_t offset, uint64_t bytes) const {
    if (offset > size_ || bytes > size_ - offset)
        throw Error(Status::invalid_argument, context_->info().id + ": bytes " + std::to_string(offset) + " + " +
                                                  std::to_string(bytes) + " are past the end of a buffer of " +
                                                  std::to_string(size_));
    context_->alive();
    return size_t(base_ + offset);
}

void Buffer::write(uint64_t offset, const void* source, uint64_t bytes) {
    const size_t place = at(offset, bytes);
    if (bytes == 0) return;
    context_->order();
    context_->check(clEnqueueWriteBuffer(context_->queue(), get(), CL_TRUE, place, size_t(bytes), source, 0, nullptr, nullptr),
                    "writing a buffer");
}

void Buffer::read(uint64_t offset, void* target, uint64_t bytes) const {
    const size_t place = at(offset, bytes);
    if (bytes == 0) return;
    context_->order();
    context_->check(clEnqueueReadBuffer(context_->queue(), get(), CL_TRUE, place, size_t(bytes), target, 0, nullptr, nullptr),
                    "reading a buffer");
}

}  // namespace rw::opencl
