// Reference-counted OpenCL objects: a Handle releases what it holds, and retain() shares what belongs to somebody else.
#pragma once

#include <CL/cl.h>

#include <utility>

namespace rw::opencl {

template <class T, cl_int (*Retain)(T), cl_int (*Release)(T)>
class Handle {
public:
    Handle() = default;
    explicit Handle(T owned) : it_(owned) {}
    static Handle retain(T foreign) {
        if (foreign) Retain(foreign);
        return Handle(foreign);
    }
    Handle(Handle&& o) noexcept : it_(std::exchange(o.it_, nullptr)) {}
    Handle& operator=(Handle&& o) noexcept {
        if (this != &o) reset(), it_ = std::exchange(o.it_, nullptr);
        return *this;
    }
    ~Handle() { reset(); }

    T get() const { return it_; }
    explicit operator bool() const { return it_ != nullptr; }
    void reset() {
        if (it_) Release(it_);
        it_ = nullptr;
    }
    /// For calls that write a new object.
    T* out() { return reset(), &it_; }

private:
    T it_ = nullptr;
};

using ContextHandle = Handle<cl_context, clRetainContext, clReleaseContext>;
using QueueHandle = Handle<cl_command_queue, clRetainCommandQueue, clReleaseCommandQueue>;
using MemHandle = Handle<cl_mem, clRetainMemObject, clReleaseMemObject>;
using ProgramHandle = Handle<cl_program, clRetainProgram, clReleaseProgram>;
using KernelHandle = Handle<cl_kernel, clRetainKernel, clReleaseKernel>;
using EventHandle = Handle<cl_event, clRetainEvent, clReleaseEvent>;

}  // namespace rw::opencl
