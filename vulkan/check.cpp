#include "vulkan/check.h"

namespace rw::vulkan {

Status status_of(VkResult result) {
    switch (result) {
        case VK_SUCCESS: return Status::ok;
        case VK_ERROR_OUT_OF_HOST_MEMORY:
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        case VK_ERROR_OUT_OF_POOL_MEMORY:
        case VK_ERROR_FRAGMENTED_POOL:
        case VK_ERROR_TOO_MANY_OBJECTS: return Status::out_of_memory;
        case VK_ERROR_DEVICE_LOST: return Status::device_lost;
        case VK_ERROR_FEATURE_NOT_PRESENT:
        case VK_ERROR_EXTENSION_NOT_PRESENT:
        case VK_ERROR_LAYER_NOT_PRESENT: return Status::unsupported;
        default: return Status::internal;
    }
}

void check(VkResult result, const std::string& what) {
    const Status status = status_of(result);
    if (status == Status::ok) return;
    std::string message = "vulkan: " + what + " failed (VkResult " + std::to_string(int(result)) + ")";
    if (status == Status::device_lost) message = "vulkan: the device was lost (" + what + "); destroy it and open it again";
    throw Error(status, message);
}

}  // namespace rw::vulkan
