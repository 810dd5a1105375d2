// Rewind for C++: the C interface (rewind.h, which is the manual) with owners and exceptions. Header only.
//
// The namespace is rw, not rewind: <cstdio> declares a function of that name. Failures throw rw::Error, which carries
// the status and the message.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "rewind/ops/contract.h"
#include "rewind/rewind.h"

namespace rw {

inline void check(rw_status status) {
    if (status != RW_OK) throw Error(Status(int(status)), rw_message());
}

namespace detail {
template <class T, void (*destroy)(T*)>
struct Destroy {
    void operator()(T* p) const { destroy(p); }
};
template <class T, void (*destroy)(T*)>
using Owner = std::unique_ptr<T, Destroy<T, destroy>>;
}  // namespace detail

/// Device memory.
class Buffer {
public:
    explicit Buffer(rw_buffer* handle) : handle_(handle) {}
    rw_buffer* handle() const { return handle_.get(); }

    template <class T>
    void write(const std::vector<T>& values, uint64_t offset = 0) {
        check(rw_buffer_write(handle(), offset, values.data(), values.size() * sizeof(T)));
    }
    template <class T>
    std::vector<T> read(size_t count, uint64_t offset = 0) const {
        std::vector<T> values(count);
        check(rw_buffer_read(handle(), offset, values.data(), count * sizeof(T)));
        return values;
    }

private:
    detail::Owner<rw_buffer, rw_buffer_destroy> handle_;
};

/// A named argument of a call: a packed tensor at the start of a buffer, unless told otherwise.
inline rw_arg arg(const char* name, Type type, std::initializer_list<int64_t> ne, const Buffer& buffer,
                  uint64_t offset = 0, std::initializer_list<int64_t> nb = {}) {
    rw_arg a{name, {sizeof(rw_tensor), rw_type(int(type)), {1, 1, 1, 1}, {0, 0, 0, 0}, buffer.handle(), offset}};
    if (ne.size() > 4 || nb.size() > 4) throw Error(Status::invalid_argument, std::string(name) + ": at most 4 dimensions");
    size_t d = 0;
    for (const int64_t n : ne) a.tensor.ne[d++] = n;
    d = 0;
    for (const int64_t n : nb) a.tensor.nb[d++] = n;
    return a;
}

/// Calls recorded once and replayed. Keeps the buffers it uses alive.
class Plan {
public:
    explicit Plan(rw_plan* handle) : handle_(handle) {}
    rw_plan* handle() const { return handle_.get(); }

    /// attrs: {{"order", "recent_first"}, ...}. implementation: nullptr for the best. Returns the step.
    size_t add(const char* op, const std::vector<rw_arg>& args, const std::vector<rw_attr>& attrs = {},
               const char* implementation = nullptr) {
        size_t step = 0;
        const rw_call call = make(op, args, attrs, implementation);
        check(rw_plan_add(handle(), &call, &step));
        return step;
    }
    /// implementation: nullptr keeps what add() was told, "" leaves the choice to the library.
    void update(size_t step, const char* op, const std::vector<rw_arg>& args, const std::vector<rw_attr>& attrs = {},
                const char* implementation = nullptr) {
        const rw_call call = make(op, args, attrs, implementation);
        check(rw_plan_update(handle(), step, &call));
    }
    void submit() { check(rw_plan_submit(handle())); }
    void wait() { check(rw_plan_wait(handle())); }
    void run() { submit(), wait(); }
    std::string implementation(size_t step) const {
        const char* name = rw_plan_implementation(handle(), step);
        return name ? name : "";
    }
    double seconds() const { return rw_plan_seconds(handle()); }

    static rw_call make(const char* op, const std::vector<rw_arg>& args, const std::vector<rw_attr>& attrs,
                        const char* implementation) {
        return {sizeof(rw_call), op, args.data(), args.size(), attrs.data(), attrs.size(), implementation};
    }

private:
    detail::Owner<rw_plan, rw_plan_destroy> handle_;
};

class Device {
public:
    explicit Device(rw_device* handle) : handle_(handle) {}
    rw_device* handle() const { return handle_.get(); }

    Buffer allocate(uint64_t bytes) {
        rw_buffer* b = nullptr;
        check(rw_buffer_create(handle(), bytes, &b));
        return Buffer(b);
    }
    /// Memory that stays the caller's: a VkBuffer or cl_mem from `offset` on, or the host's.
    Buffer wrap(uint64_t native, uint64_t offset, uint64_t bytes) {
        rw_buffer* b = nullptr;
        check(rw_buffer_wrap_native(handle(), native, offset, bytes, &b));
        return Buffer(b);
    }
    Buffer wrap(void* memory, uint64_t bytes) {
        rw_buffer* b = nullptr;
        check(rw_buffer_wrap_host(handle(), memory, bytes, &b));
        return Buffer(b);
    }
    /// A buffer with these values in it.
    template <class T>
    Buffer upload(const std::vector<T>& values) {
        Buffer b = allocate(values.size() * sizeof(T));
        b.write(values);
        return b;
    }
    Plan plan() {
        rw_plan* p = nullptr;
        check(rw_plan_create(handle(), &p));
        return Plan(p);
    }
    rw_device_info info() const {
        rw_device_info i{};
        i.size = sizeof i;
        check(rw_device_get_info(handle(), &i));
        return i;
    }
    /// One line an implementation: taken, or why not.
    std::string explain(const char* op, const std::vector<rw_arg>& args, const std::vector<rw_attr>& attrs = {},
                        const char* implementation = nullptr) {
        const rw_call call = Plan::make(op, args, attrs, implementation);
        size_t n = 0;
        check(rw_explain(handle(), &call, nullptr, 0, &n));
        std::string text(n + 1, '\0');
        check(rw_explain(handle(), &call, text.data(), text.size(), &n));
        text.resize(n);
        return text;
    }

private:
    detail::Owner<rw_device, rw_device_close> handle_;
};

class Context {
public:
    Context() {
        rw_context* c = nullptr;
        check(rw_context_create(&c));
        handle_.reset(c);
    }
    rw_context* handle() const { return handle_.get(); }

    /// Topics as in rewind.h; a null sink is stderr. The log is the process's: the last caller's hold.
    void log(const std::string& topics, rw_log_sink sink = nullptr, void* user = nullptr) {
        check(rw_context_log(handle(), topics.c_str(), sink, user));
    }
    Device open(const std::string& id) {
        rw_device* d = nullptr;
        check(rw_device_open(handle(), id.c_str(), &d));
        return Device(d);
    }
    /// Around what an engine owns; sets the size of the handles.
    Device wrap(rw_vulkan_handles handles) {
        rw_device* d = nullptr;
        handles.size = sizeof handles;
        check(rw_device_wrap_vulkan(handle(), &handles, &d));
        return Device(d);
    }
    Device wrap(rw_opencl_handles handles) {
        rw_device* d = nullptr;
        handles.size = sizeof handles;
        check(rw_device_wrap_opencl(handle(), &handles, &d));
        return Device(d);
    }
    std::vector<rw_device_info> devices() const {
        size_t n = 0;
        check(rw_devices(handle(), nullptr, &n));
        std::vector<rw_device_info> infos(n);
        if (n) infos[0].size = sizeof(rw_device_info);
        check(rw_devices(handle(), infos.data(), &n));
        return infos;
    }

private:
    detail::Owner<rw_context, rw_context_destroy> handle_;
};

}  // namespace rw
