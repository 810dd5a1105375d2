#include "vulkan/context.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/log.h"
#include "vulkan/buffer.h"

namespace rw::vulkan {

struct Context::Staging {
    std::unique_ptr<Memory> memory;
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    ~Staging() { vkDestroyCommandPool(device, pool, nullptr); }
};

Context::Context(std::shared_ptr<Instance> i, VkPhysicalDevice p, const std::string& id)
    : instance(std::move(i)), physical(p), features(offered(p)), family(uint32_t(compute_family(p))) {
    info = describe(physical, features, id);
    const FeatureChain chain(physical, features);
    const float priority = 1;
    VkDeviceQueueCreateInfo queue_info{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue_info.queueFamilyIndex = family, queue_info.queueCount = 1, queue_info.pQueuePriorities = &priority;
    VkDeviceCreateInfo create{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, chain.chain()};
    create.queueCreateInfoCount = 1, create.pQueueCreateInfos = &queue_info;
    create.enabledExtensionCount = uint32_t(chain.extensions().size());
    create.ppEnabledExtensionNames = chain.extensions().data();
    vulkan::check(vkCreateDevice(physical, &create, nullptr, &device), "opening " + info.name);
    VkQueue handle;
    vkGetDeviceQueue(device, family, 0, &handle);
    queue = std::make_unique<Queue>(device, handle, nullptr, nullptr);
    examine();
    pipelines = load_pipeline_cache(*this);
}

Context::Context(const Handles& h)
    : instance(std::make_shared<Instance>(h.instance)), physical(h.physical), device(h.device), features(h.enabled),
      family(h.family), owned_(false) {
    info = describe(physical, features, "vulkan:wrapped");
    queue = std::make_unique<Queue>(device, h.queue, h.lock, h.unlock);
    examine(h.staged);
    pipelines = h.pipelines ? h.pipelines : load_pipeline_cache(*this);
    owned_pipelines_ = !h.pipelines;
}

Context::~Context() {
    queue->finish();
    staging_.reset();
    if (owned_pipelines_) {
        if (pipelines && !lost_) store_pipeline_cache(*this);
        vkDestroyPipelineCache(device, pipelines, nullptr);
    }
    queue.reset();
    if (owned_) vkDestroyDevice(device, nullptr);
}

void Context::examine(bool staged) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(physical, &properties);
    limits = properties.limits;
    vkGetPhysicalDeviceMemoryProperties(physical, &memory_);
    uint32_t n = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, nullptr);
    std::vector<VkQueueFamilyProperties> families(n);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, families.data());
    if (!info.is_software && limits.timestampPeriod > 0) timestamp_bits = families[family].timestampValidBits;

    // In place when a host-visible, coherent type lies in the largest device-local heap: integrated and software
    // devices, and cards whose whole memory is mapped.
    uint64_t largest = 0;
    for (uint32_t i = 0; i < memory_.memoryHeapCount; ++i)
        if (memory_.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
            largest = std::max(largest, memory_.memoryHeaps[i].size);
    const int both = memory_type(~0u, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                          VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    unified_ = !staged && info.facts["unified"] && both >= 0 && memory_.memoryHeaps[memory_.memoryTypes[both].heapIndex].size == largest;
}

void Context::check(VkResult result, const std::string& what) {
    if (result == VK_ERROR_DEVICE_LOST) lost_ = true;
    vulkan::check(result, what);
}

void Context::alive() const {
    if (lost_) vulkan::check(VK_ERROR_DEVICE_LOST, "an earlier call");
}

int Context::memory_type(uint32_t bits, VkMemoryPropertyFlags wanted) const {
    int best = -1;
    for (uint32_t i = 0; i < memory_.memoryTypeCount; ++i) {
        const VkMemoryPropertyFlags flags = memory_.memoryTypes[i].propertyFlags;
        if (!(bits >> i & 1) || (flags & wanted) != wanted) continue;
        // Reads by the host are slow unless cached; of equal types the first is the driver's preference.
        const bool cached = flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
        if (best < 0) best = int(i);
        else if (wanted & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT && cached &&
                 !(memory_.memoryTypes[best].propertyFlags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT))
            best = int(i);
    }
    return best;
}

Context::Staging& Context::staging() {
    if (staging_) return *staging_;
    auto s = std::make_unique<Staging>();
    s->device = device;
    s->memory = std::make_unique<Memory>(*this, staging_bytes, Memory::Use::host);
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT | VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    pool.queueFamilyIndex = family;
    check(vkCreateCommandPool(device, &pool, nullptr, &s->pool), "creating a command pool");
    VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    allocate.commandPool = s->pool, allocate.commandBufferCount = 1;
    check(vkAllocateCommandBuffers(device, &allocate, &s->commands), "allocating a command buffer");
    staging_ = std::move(s);
    return *staging_;
}

double Context::run_once(const std::function<void(VkCommandBuffer)>& fill) {
    const std::lock_guard lock(staging_mutex_);
    return run_staged(fill);
}

double Context::run_staged(const std::function<void(VkCommandBuffer)>& fill) {
    alive();
    Staging& s = staging();
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    check(vkBeginCommandBuffer(s.commands, &begin), "recording a copy");
    fill(s.commands);
    check(vkEndCommandBuffer(s.commands), "recording a copy");
    const auto start = std::chrono::steady_clock::now();
    Queue::Ticket ticket;
    check(queue->submit({s.commands}, ticket), "submitting a copy");
    check(queue->wait(ticket), "waiting for a copy");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Context::upload(VkBuffer to, uint64_t offset, const void* source, uint64_t bytes) {
    const std::lock_guard lock(staging_mutex_);
    for (uint64_t done = 0; done < bytes;) {
        const uint64_t n = std::min(bytes - done, staging_bytes);
        std::memcpy(staging().memory->mapped(), static_cast<const std::byte*>(source) + done, n);
        run_staged([&](VkCommandBuffer c) {
            const VkBufferCopy region{0, offset + done, n};
            barrier(c);
            vkCmdCopyBuffer(c, staging().memory->handle(), to, 1, &region);
            barrier(c);
        });
        done += n;
    }
}

void Context::download(VkBuffer from, uint64_t offset, void* target, uint64_t bytes) {
    const std::lock_guard lock(staging_mutex_);
    for (uint64_t done = 0; done < bytes;) {
        const uint64_t n = std::min(bytes - done, staging_bytes);
        run_staged([&](VkCommandBuffer c) {
            const VkBufferCopy region{offset + done, 0, n};
            barrier(c);
            vkCmdCopyBuffer(c, from, staging().memory->handle(), 1, &region);
            barrier(c);
        });
        std::memcpy(static_cast<std::byte*>(target) + done, staging().memory->mapped(), n);
        done += n;
    }
}

void barrier(VkCommandBuffer commands) {
    VkMemoryBarrier all{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    all.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_WRITE_BIT;
    all.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                        VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT;
    constexpr VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT;
    vkCmdPipelineBarrier(commands, stages, stages, 0, 1, &all, 0, nullptr, 0, nullptr);
}

}  // namespace rw::vulkan
