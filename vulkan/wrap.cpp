#include "vulkan/wrap.h"

#include <algorithm>

#include "vulkan/device.h"

namespace rw::vulkan {
namespace {

Device& ours(core::Device& device) {
    auto* d = dynamic_cast<Device*>(&device);
    if (!d) throw Error(Status::invalid_argument, device.info().id + " is not a Vulkan device");
    return *d;
}

}  // namespace

Handles read_handles(const rw_vulkan_handles& from) {
    Handles h;
    h.instance = static_cast<VkInstance>(from.instance), h.physical = static_cast<VkPhysicalDevice>(from.physical_device);
    h.device = static_cast<VkDevice>(from.device), h.queue = static_cast<VkQueue>(from.queue);
    h.family = from.queue_family, h.pipelines = (VkPipelineCache)from.pipeline_cache;
    if (!h.physical) return h;  // wrap_device says what is missing
    if (from.n_extensions && !from.extensions)
        throw Error(Status::invalid_argument, "vulkan: n_extensions is " + std::to_string(from.n_extensions) +
                                                  ", but extensions is NULL");
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(h.physical, &properties);
    const uint32_t version = std::min(from.api_version, properties.apiVersion);
    if (version < VK_API_VERSION_1_1)
        throw Error(Status::unsupported, "vulkan: Vulkan 1.1 is needed to wrap; set api_version to the instance's");
    h.enabled = enabled(from.features, version, {from.extensions, from.n_extensions});
    if (from.lock) h.lock = [lock = from.lock, user = from.user] { lock(user); };
    if (from.unlock) h.unlock = [unlock = from.unlock, user = from.user] { unlock(user); };
    return h;
}

std::shared_ptr<core::Device> wrap_device(const Handles& h) {
    if (!h.instance || !h.physical || !h.device || !h.queue)
        throw Error(Status::invalid_argument, "vulkan: instance, physical device, device and queue are all needed to wrap");
    uint32_t n = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(h.physical, &n, nullptr);
    std::vector<VkQueueFamilyProperties> families(n);
    vkGetPhysicalDeviceQueueFamilyProperties(h.physical, &n, families.data());
    if (h.family >= n || !(families[h.family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        throw Error(Status::invalid_argument, "vulkan: queue family " + std::to_string(h.family) +
                                                  " of the device does not exist or cannot compute");
    if (bool(h.lock) != bool(h.unlock))
        throw Error(Status::invalid_argument, "vulkan: give both lock and unlock for the queue, or neither");
    return std::make_shared<Device>(std::make_shared<Context>(h));
}

std::shared_ptr<core::Buffer> wrap_buffer(core::Device& device, VkBuffer buffer, uint64_t offset, uint64_t bytes) {
    return std::make_shared<Buffer>(ours(device).context(), buffer, offset, bytes);
}

uint64_t validation_errors(const core::Device& device) {
    return ours(const_cast<core::Device&>(device)).context()->instance->validation_errors();
}

void pretend_lost(core::Device& device) { ours(device).context()->lose(); }

}  // namespace rw::vulkan
