// What everything made from one VkDevice shares and keeps alive: the handles, limits, queue, and the staging area.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "vulkan/instance.h"
#include "vulkan/queue.h"
#include "vulkan/wrap.h"

namespace rw::vulkan {

class Context {
public:
    /// Creates a VkDevice with everything in `offered`.
    Context(std::shared_ptr<Instance> instance, VkPhysicalDevice physical, const std::string& id);
    /// Uses an engine's.
    explicit Context(const Handles& handles);
    ~Context();
    Context(const Context&) = delete;

    /// As vulkan::check, and remembers that the device was lost.
    void check(VkResult result, const std::string& what);
    /// Throws device_lost once the device is.
    void alive() const;
    void lose() { lost_ = true; }

    /// Index of a memory type out of `bits` with all of `wanted`, or -1.
    int memory_type(uint32_t bits, VkMemoryPropertyFlags wanted) const;
    /// True when the host may as well use device memory in place: one kind of memory, or all of it is visible.
    bool unified() const { return unified_; }

    static constexpr uint64_t staging_bytes = 8 << 20;
    /// Copies through a staging area; `bytes` may be larger than the area.
    void upload(VkBuffer to, uint64_t offset, const void* source, uint64_t bytes);
    void download(VkBuffer from, uint64_t offset, void* target, uint64_t bytes);
    /// Records with `fill`, submits and waits; returns device (or host) seconds.
    double run_once(const std::function<void(VkCommandBuffer)>& fill);

    std::shared_ptr<Instance> instance;
    VkPhysicalDevice physical;
    VkDevice device = VK_NULL_HANDLE;
    Features features;
    core::DeviceInfo info;
    VkPhysicalDeviceLimits limits;
    uint32_t family = 0;
    uint32_t timestamp_bits = 0;  // 0: no device clock, or one that says nothing (software devices)
    std::unique_ptr<Queue> queue;
    VkPipelineCache pipelines = VK_NULL_HANDLE;
    const std::shared_ptr<core::Meter> meter = std::make_shared<core::Meter>(0);

private:
    struct Staging;
    void examine(bool staged = false);
    Staging& staging();
    /// run_once() for who holds staging_mutex_.
    double run_staged(const std::function<void(VkCommandBuffer)>& fill);

    bool owned_ = true, owned_pipelines_ = true;
    bool unified_ = false;
    std::atomic<bool> lost_{false};
    VkPhysicalDeviceMemoryProperties memory_{};
    std::mutex staging_mutex_;  // of what follows, from recording to the end of the wait
    std::unique_ptr<Staging> staging_;
};

/// Extends a range of a buffer's memory with a barrier between transfers, kernels and the host.
void barrier(VkCommandBuffer commands);

/// The pipeline cache of a device on disk, under $XDG_CACHE_HOME/rewind (best effort on both sides).
VkPipelineCache load_pipeline_cache(const Context& context);
void store_pipeline_cache(const Context& context);

}  // namespace rw::vulkan
