// What a backend provides: devices, buffers, implementations of ops, recordings. Nothing here names a device or an op.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/meter.h"
#include "rewind/ops/registry.h"

namespace rw::core {

class Device;

/// Where a buffer's bytes lie: buffers that are wrapped around the same memory agree in `memory`.
struct Place {
    const void* memory;
    uint64_t offset;
};

/// Device memory, owned or wrapped. write and read are synchronous and ordered after the recordings submitted before.
class Buffer {
public:
    virtual ~Buffer() = default;
    uint64_t size() const { return size_; }
    virtual void write(uint64_t offset, const void* source, uint64_t bytes) = 0;
    virtual void read(uint64_t offset, void* target, uint64_t bytes) const = 0;
    /// The memory itself when the host can address it, else null.
    virtual void* host() const { return nullptr; }
    virtual Place place() const { return {this, 0}; }

protected:
    explicit Buffer(uint64_t size) : size_(size) {}
    uint64_t size_;
};

struct DeviceInfo {
    std::string id;      // "vulkan:0": what open() takes
    std::string name;    // marketing name
    std::string driver;  // driver and its version
    uint64_t memory = 0;          // bytes
    uint64_t max_allocation = 0;  // bytes in one buffer
    bool is_software = false;     // a driver that runs on the CPU: correctness only, speed says nothing
    /// Numbers that kernel rows may ask for: subgroup, shared_bytes, shuffle, f16, int8, max_local, ...
    std::map<std::string, int64_t> facts;
};

/// One way of running one op on one device.
class Implementation {
public:
    virtual ~Implementation() = default;
    /// Set once it has passed its self-test, which is then not asked about again.
    mutable std::atomic<bool> proven{false};
    virtual const std::string& name() const = 0;  // "vulkan:lanes"
    /// Why the call is not taken; empty when it is.
    virtual std::string decline(const ops::Call& call) const = 0;
    /// The same as if the call's tensors were too large for whatever is the device's first choice, so that the self-test
    /// can try kernels made for large tensors on small ones.
    virtual std::string decline_small(const ops::Call& call) const { return decline(call); }
    /// Bytes of device memory that a call it takes needs besides its tensors.
    virtual uint64_t scratch(const ops::Call& call) const = 0;
};

struct Step {
    ops::Call call;
    const Implementation* implementation;
};

/// Steps recorded once and replayed. Used by one thread at a time.
class Recording {
public:
    virtual ~Recording() = default;
    /// Replaces the tensors and attributes of a step; the implementation stays. Takes effect at the next submit.
    virtual void update(size_t step, const ops::Call& call) = 0;
    virtual void submit() = 0;
    /// Returns when the submitted work is done. Throws range when a kernel met a bad index, device_lost.
    virtual void wait() = 0;
    /// Device time of the last finished submit in seconds (host time where the device has no clock).
    virtual double seconds() const = 0;
};

class Device : public std::enable_shared_from_this<Device> {
public:
    explicit Device(std::shared_ptr<Meter> meter = std::make_shared<Meter>(0)) : meter_(std::move(meter)) {}
    virtual ~Device() = default;
    virtual const DeviceInfo& info() const = 0;
    virtual std::shared_ptr<Buffer> allocate(uint64_t bytes) = 0;
    /// Wraps host memory without a copy; throws unsupported where the device cannot.
    virtual std::shared_ptr<Buffer> wrap_host(void* memory, uint64_t bytes);
    /// Wraps the API's own buffer (VkBuffer, cl_mem) from `offset` on; throws unsupported where there is none.
    virtual std::shared_ptr<Buffer> wrap_native(uint64_t handle, uint64_t offset, uint64_t bytes);
    /// The device's implementations of an op, best first, plainest last.
    virtual std::vector<const Implementation*> implementations(int op) const = 0;
    /// scratch: memory of allocate() for what the steps' kernels need besides their tensors. Recordings whose work never
    /// overlaps may share it. Null, or less than they need: the recording has its own.
    virtual std::unique_ptr<Recording> record(std::vector<Step> steps, std::shared_ptr<Buffer> scratch) = 0;
    /// Bytes that record() takes of the device's memory, scratch apart. What a driver keeps for itself is not known.
    virtual uint64_t recording_bytes(std::span<const Step> steps) const = 0;
    /// Bytes that it takes once, for copies to and from memory that the host cannot see.
    virtual uint64_t staging_bytes() const { return 0; }
    /// Bytes of the device's memory that buffers and recordings have taken; memory that was wrapped is not among them.
    uint64_t taken() const { return *meter_; }
    /// Copies between two buffers of this device as fast as it can; returns seconds. For the copy peak in reports.
    virtual double copy_seconds(Buffer& source, Buffer& target, uint64_t bytes) = 0;
    /// True for a device whose kernels have to pass the self-test before they are trusted.
    virtual bool needs_selftest() const { return true; }
    /// Identity of device, driver and kernels for caches.
    virtual std::string fingerprint() const;

protected:
    std::shared_ptr<Meter> meter_;  // outlives what was taken
};

class Backend {
public:
    virtual ~Backend() = default;
    virtual const char* name() const = 0;
    /// The devices present. `note` says in plain words why there are none or what is missing.
    virtual std::vector<DeviceInfo> enumerate(std::string& note) = 0;
    virtual std::shared_ptr<Device> open(int index) = 0;
    /// Wraps an engine's device: rw_<backend>_handles of rewind.h. Throws unsupported where there is none.
    virtual std::shared_ptr<Device> wrap(const void* handles);
};

/// The backends this build has, in the order of core/backends.def.
std::span<const std::unique_ptr<Backend>> backends();
/// "cpu", "vulkan", "vulkan:1", ...; throws not_found with what there is.
std::shared_ptr<Device> open(const std::string& id);
/// Throws Error(range) that names the RW_FAULT_* bits which kernels raised.
[[noreturn]] void throw_fault(uint32_t bits);
/// Every device of every backend; `notes` collects what the backends had to say.
std::vector<DeviceInfo> devices(std::vector<std::string>* notes = nullptr);

}  // namespace rw::core
