// The C interface over core: handles, argument lists by name, exceptions to status codes.
#include <algorithm>
#include <bitset>
#include <cstring>

#include "core/log.h"
#include "core/optional.h"
#include "core/plan.h"
#include "core/version.h"
#include "rewind/rewind.h"

using rw::Error;
using rw::Status;

struct rw_context {};
struct rw_device {
    std::shared_ptr<rw::core::Device> device;
};
struct rw_buffer {
    std::shared_ptr<rw::core::Device> device;  // before the buffer: destroyed after it
    std::shared_ptr<rw::core::Buffer> buffer;
};
struct rw_plan {
    std::shared_ptr<rw::core::Device> device;
    std::vector<std::vector<std::shared_ptr<rw::core::Buffer>>> kept;  // buffers of each step outlive the plan
    rw::core::Plan plan;
};

namespace {

static_assert(RW_TYPE_F32 == RW_F32 && RW_TYPE_I32 == RW_I32 && RW_TYPE_Q8_0 == RW_Q8_0 && RW_TYPE_Q5_1 == RW_Q5_1 &&
              RW_TYPE_Q4_K == RW_Q4_K && RW_TYPE_Q6_K == RW_Q6_K && RW_TYPE_IQ4_XS == RW_IQ4_XS);

thread_local std::string last_message;

rw_status fail(Status status, const char* message) noexcept {
    try {
        last_message = message;
    } catch (...) {  // no memory for the words; the status still stands
    }
    return rw_status(int(status));
}

/// Runs f; turns what it throws into a status and a message.
template <class F>
rw_status guarded(F&& f) noexcept {
    try {
        f();
        return RW_OK;
    } catch (const Error& e) {
        return fail(e.status, e.what());
    } catch (const std::bad_alloc&) {
        return fail(Status::out_of_memory, "out of host memory");
    } catch (const std::exception& e) {
        return fail(Status::internal, e.what());
    } catch (...) {
        return fail(Status::internal, "unknown exception");
    }
}

void need(const void* pointer, const char* what) {
    if (!pointer) throw Error(Status::invalid_argument, std::string(what) + " is NULL");
}

void need_bytes(uint64_t bytes) {
    if (bytes == 0) throw Error(Status::invalid_argument, "bytes: a buffer has at least one");
}

void need_size(uint32_t size, size_t expected, const char* what) {
    if (size != expected)
        throw Error(Status::invalid_argument, std::string(what) + ": size is " + std::to_string(size) +
                                                  "; set it to sizeof (" + std::to_string(expected) +
                                                  " in this version of the library)");
}

/// Refuses what one call names a second time: which of the two was meant?
class Once {
public:
    explicit Once(const char* op) : op_(op) {}
    void take(int index, const char* name) {
        if (taken_[size_t(index)]) throw Error(Status::invalid_argument, std::string(op_) + ": " + name + ": given twice");
        taken_.set(size_t(index));
    }

private:
    const char* op_;
    std::bitset<64> taken_;  // no op has nearly as many names
};

/// What a C call names, merged over `call`; the buffers it uses are appended to `kept`.
void merge(const rw::ops::Op& op, const rw_call& from, const rw::core::Device& device, rw::ops::Call& call,
           std::vector<std::shared_ptr<rw::core::Buffer>>& kept) {
    if (from.n_args) need(from.args, "call.args");
    if (from.n_attrs) need(from.attrs, "call.attrs");
    Once args(op.name), attrs(op.name);
    for (size_t i = 0; i < from.n_args; ++i) {
        const rw_arg& a = from.args[i];
        need(a.name, "call.args[].name");
        const int index = op.arg_index(a.name);
        if (index < 0) {
            std::string names;
            for (const rw::ops::ArgRow& row : op.args) names += std::string(names.empty() ? "" : ", ") + row.name;
            throw Error(Status::invalid_argument,
                        std::string(op.name) + ": no argument '" + a.name + "'; there are: " + names);
        }
        args.take(index, a.name);
        need_size(a.tensor.size, sizeof(rw_tensor), a.name);
        rw::Tensor& t = call.arg[size_t(index)];
        if (!a.tensor.buffer) {  // an update may take an optional argument away
            t = {};
            continue;
        }
        if (a.tensor.buffer->device.get() != &device)
            throw Error(Status::invalid_argument, std::string(op.name) + ": " + a.name +
                                                      ": the buffer belongs to another device");
        if (!rw::is_type(int32_t(a.tensor.type)))
            throw Error(Status::invalid_argument, std::string(op.name) + ": " + a.name + ": no such type");
        t.type = rw::Type(int(a.tensor.type));
        std::copy_n(a.tensor.ne, 4, t.ne.begin());
        std::copy_n(a.tensor.nb, 4, t.nb.begin());
        if (t.nb == rw::Extent{0, 0, 0, 0}) {
            for (const int64_t n : t.ne)  // packed strides have to be computable
                if (n < 1 || n > INT64_C(1) << 40)
                    throw Error(Status::invalid_argument, std::string(op.name) + ": " + a.name + ": dimension of " +
                                                              std::to_string(n) + " elements");
            __int128 bytes = rw::size_of(t.type);
            for (int d = 0; d < 4; ++d) bytes *= t.steps(d);
            if (bytes > INT64_MAX)
                throw Error(Status::invalid_argument, std::string(op.name) + ": " + a.name + ": size overflows 64 bits");
            t.nb = rw::contiguous(t.type, t.ne);
        }
        t.buffer = a.tensor.buffer->buffer.get();
        t.offset = a.tensor.offset;
        kept.push_back(a.tensor.buffer->buffer);
    }
    for (size_t i = 0; i < from.n_attrs; ++i) {
        need(from.attrs[i].name, "call.attrs[].name"), need(from.attrs[i].value, "call.attrs[].value");
        rw::ops::set_attr(op, call, from.attrs[i].name, from.attrs[i].value);
        attrs.take(op.attr_index(from.attrs[i].name), from.attrs[i].name);
    }
}

const rw::ops::Op& op_of(const rw_call* call) {
    need(call, "call");
    need_size(call->size, sizeof(rw_call), "call");
    need(call->op, "call.op");
    return rw::ops::find(call->op);
}

void describe(const rw::core::DeviceInfo& from, rw_device_info& to) {
    const uint32_t size = to.size;
    to = {};
    to.size = size, to.is_software = from.is_software, to.memory = from.memory, to.max_allocation = from.max_allocation;
    const auto copy = [](const std::string& s, char* target, size_t capacity) {
        std::memcpy(target, s.data(), std::min(s.size(), capacity - 1));
    };
    copy(from.id, to.id, sizeof to.id), copy(from.name, to.name, sizeof to.name);
    copy(from.driver, to.driver, sizeof to.driver);
}

rw::core::Backend& backend(std::string_view name) {
    for (const auto& b : rw::core::backends())
        if (b->name() == name) return *b;
    throw Error(Status::not_found, "this build has no " + std::string(name) + " backend");
}

template <class Handles>
rw_status wrap(rw_context* context, const char* name, const Handles* handles, rw_device** device) {
    return guarded([&] {
        need(context, "context"), need(handles, "handles"), need(device, "device");
        need_size(handles->size, sizeof *handles, "handles");
        *device = new rw_device{backend(name).wrap(handles)};
    });
}

struct OwnedWishes : rw_vulkan_wishes {
    rw::core::Wishes from;
};

}  // namespace

const char* rw_version(void) { return rw::core::version(); }
uint32_t rw_type_block(rw_type type) { return rw::is_type(int32_t(type)) ? rw::info(rw::Type(int(type))).block : 0; }
uint32_t rw_type_bytes(rw_type type) { return rw::is_type(int32_t(type)) ? rw::info(rw::Type(int(type))).bytes : 0; }
const char* rw_status_name(rw_status status) { return rw::name_of(Status(int(status))); }
const char* rw_message(void) { return last_message.c_str(); }

rw_status rw_context_create(rw_context** context) {
    return guarded([&] { need(context, "context"), *context = new rw_context; });
}
void rw_context_destroy(rw_context* context) { delete context; }

rw_status rw_context_log(rw_context* context, const char* topics, rw_log_sink sink, void* user) {
    return guarded([&] {
        need(context, "context");
        rw::core::set_verbose(topics ? topics : "");
        if (!sink) return rw::core::set_sink(nullptr);
        rw::core::set_sink([sink, user](std::string_view line) { sink(user, std::string(line).c_str()); });
    });
}

rw_status rw_devices(rw_context* context, rw_device_info* infos, size_t* count) {
    return guarded([&] {
        need(context, "context"), need(count, "count");
        const std::vector<rw::core::DeviceInfo> found = rw::core::devices();
        if (infos && *count) need_size(infos[0].size, sizeof(rw_device_info), "rw_device_info");
        for (size_t i = 0; infos && i < std::min(*count, found.size()); ++i) {
            infos[i].size = sizeof(rw_device_info);
            describe(found[i], infos[i]);
        }
        *count = found.size();
    });
}

rw_status rw_device_open(rw_context* context, const char* id, rw_device** device) {
    return guarded([&] {
        need(context, "context"), need(id, "id"), need(device, "device");
        *device = new rw_device{rw::core::open(id)};
    });
}
void rw_device_close(rw_device* device) { delete device; }

rw_status rw_device_get_info(rw_device* device, rw_device_info* info) {
    return guarded([&] {
        need(device, "device"), need(info, "info");
        need_size(info->size, sizeof *info, "rw_device_info");
        describe(device->device->info(), *info);
    });
}

rw_status rw_vulkan_wishes_create(rw_context* context, void* physical_device, rw_vulkan_wishes** wishes) {
    return guarded([&] {
        need(context, "context"), need(physical_device, "physical_device"), need(wishes, "wishes");
        auto made = std::make_unique<OwnedWishes>();
        auto* wishful = dynamic_cast<rw::core::Wishful*>(&backend("vulkan"));
        if (!wishful) throw Error(Status::unsupported, "the vulkan backend wishes for nothing");
        made->from = wishful->wishes(physical_device);
        made->extensions = made->from.extensions.data(), made->n_extensions = uint32_t(made->from.extensions.size());
        made->features = made->from.features;
        *wishes = made.release();
    });
}
void rw_vulkan_wishes_destroy(rw_vulkan_wishes* wishes) { delete static_cast<OwnedWishes*>(wishes); }

rw_status rw_device_wrap_vulkan(rw_context* context, const rw_vulkan_handles* handles, rw_device** device) {
    return wrap(context, "vulkan", handles, device);
}

rw_status rw_device_wrap_opencl(rw_context* context, const rw_opencl_handles* handles, rw_device** device) {
    return wrap(context, "opencl", handles, device);
}

rw_status rw_buffer_create(rw_device* device, uint64_t bytes, rw_buffer** buffer) {
    return guarded([&] {
        need(device, "device"), need(buffer, "buffer");
        need_bytes(bytes);
        *buffer = new rw_buffer{device->device, device->device->allocate(bytes)};
    });
}

rw_status rw_buffer_wrap_host(rw_device* device, void* memory, uint64_t bytes, rw_buffer** buffer) {
    return guarded([&] {
        need(device, "device"), need(memory, "memory"), need(buffer, "buffer");
        need_bytes(bytes);
        *buffer = new rw_buffer{device->device, device->device->wrap_host(memory, bytes)};
    });
}

rw_status rw_buffer_wrap_native(rw_device* device, uint64_t handle, uint64_t offset, uint64_t bytes, rw_buffer** buffer) {
    return guarded([&] {
        need(device, "device"), need(buffer, "buffer");
        need_bytes(bytes);
        *buffer = new rw_buffer{device->device, device->device->wrap_native(handle, offset, bytes)};
    });
}
void rw_buffer_destroy(rw_buffer* buffer) { delete buffer; }

rw_status rw_buffer_write(rw_buffer* buffer, uint64_t offset, const void* source, uint64_t bytes) {
    return guarded([&] { need(buffer, "buffer"), need(source, "source"), buffer->buffer->write(offset, source, bytes); });
}

rw_status rw_buffer_read(rw_buffer* buffer, uint64_t offset, void* target, uint64_t bytes) {
    return guarded([&] { need(buffer, "buffer"), need(target, "target"), buffer->buffer->read(offset, target, bytes); });
}

rw_status rw_plan_create(rw_device* device, rw_plan** plan) {
    return guarded([&] {
        need(device, "device"), need(plan, "plan");
        *plan = new rw_plan{device->device, {}, rw::core::Plan(device->device)};
    });
}
void rw_plan_destroy(rw_plan* plan) { delete plan; }

rw_status rw_plan_add(rw_plan* plan, const rw_call* call, size_t* step) {
    return guarded([&] {
        need(plan, "plan");
        const rw::ops::Op& op = op_of(call);
        rw::ops::Call made = rw::ops::make_call(op);
        std::vector<std::shared_ptr<rw::core::Buffer>> kept;
        merge(op, *call, *plan->device, made, kept);
        plan->kept.reserve(plan->kept.size() + 1);  // nothing below may fail half-way
        const size_t index = plan->plan.add(made, call->implementation ? call->implementation : "");
        plan->kept.push_back(std::move(kept));
        if (step) *step = index;
    });
}

rw_status rw_plan_update(rw_plan* plan, size_t step, const rw_call* changes) {
    return guarded([&] {
        need(plan, "plan");
        if (step >= plan->kept.size())
            throw Error(Status::invalid_argument, "plan: no step " + std::to_string(step) + "; there are " +
                                                      std::to_string(plan->kept.size()));
        const rw::ops::Op& op = op_of(changes);
        rw::ops::Call made = plan->plan.call(step);
        if (op.id != made.op) throw Error(Status::invalid_argument, "plan: an update cannot change a step's op");
        auto kept = plan->kept[step];
        merge(op, *changes, *plan->device, made, kept);
        const std::string wanted = changes->implementation ? changes->implementation : "";
        plan->plan.update(step, made, changes->implementation ? &wanted : nullptr);
        std::erase_if(kept, [&](const auto& b) {
            return std::none_of(made.arg.begin(), made.arg.end(), [&](const auto& t) { return t.buffer == b.get(); });
        });
        std::sort(kept.begin(), kept.end());
        kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
        plan->kept[step] = std::move(kept);
    });
}

rw_status rw_plan_submit(rw_plan* plan) {
    return guarded([&] { need(plan, "plan"), plan->plan.submit(); });
}

rw_status rw_plan_wait(rw_plan* plan) {
    return guarded([&] { need(plan, "plan"), plan->plan.wait(); });
}

const char* rw_plan_implementation(const rw_plan* plan, size_t step) {
    return plan && step < plan->kept.size() ? plan->plan.implementation(step).c_str() : nullptr;
}

double rw_plan_seconds(const rw_plan* plan) { return plan ? plan->plan.seconds() : 0; }

size_t rw_op_count(void) { return rw::ops::all().size(); }
const char* rw_op_name(size_t op) { return op < rw_op_count() ? rw::ops::all()[op].name : nullptr; }

rw_status rw_explain(rw_device* device, const rw_call* call, char* text, size_t capacity, size_t* needed) {
    return guarded([&] {
        need(device, "device");
        if (capacity) need(text, "text");
        const rw::ops::Op& op = op_of(call);
        rw::ops::Call made = rw::ops::make_call(op);
        std::vector<std::shared_ptr<rw::core::Buffer>> kept;
        merge(op, *call, *device->device, made, kept);
        rw::ops::validate(op, made);
        const std::string words =
            rw::core::walk(*device->device, op, made, call->implementation ? call->implementation : "").text();
        if (needed) *needed = words.size();
        if (!capacity) return;
        const size_t n = std::min(words.size(), capacity - 1);
        std::memcpy(text, words.data(), n);
        text[n] = 0;
    });
}
