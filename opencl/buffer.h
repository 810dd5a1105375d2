// Device memory: a cl_mem of ours, one of an engine from some byte on, or host memory used in place.
#pragma once

#include "opencl/context.h"

namespace rw::opencl {

class Buffer : public core::Buffer {
public:
    Buffer(ContextPtr context, uint64_t size);
    /// `size` bytes of a retained cl_mem, from byte `base` on.
    Buffer(ContextPtr context, cl_mem foreign, uint64_t base, uint64_t size);
    /// Host memory in place (devices that compute in it: CPUs).
    Buffer(ContextPtr context, void* host, uint64_t size);

    void write(uint64_t offset, const void* source, uint64_t bytes) override;
    void read(uint64_t offset, void* target, uint64_t bytes) const override;
    void* host() const override { return host_; }
    core::Place place() const override { return place_; }

    cl_mem get() const { return memory_.get(); }
    uint64_t base() const { return base_; }
    const Context& context() const { return *context_; }

private:
    /// Checks a range; its place in the cl_mem.
    size_t at(uint64_t offset, uint64_t bytes) const;

    Buffer(ContextPtr context, uint64_t size, Memory memory);

    ContextPtr context_;
    MemHandle memory_;
    core::Taken taken_;
    uint64_t base_ = 0;
    void* host_ = nullptr;
    core::Place place_;
};

}  // namespace rw::opencl
