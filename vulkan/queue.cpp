#include "vulkan/queue.h"

#include <algorithm>

namespace rw::vulkan {

VkResult Queue::submit(const std::vector<VkCommandBuffer>& commands, VkFence fence) {
    const std::lock_guard guard(mutex_);
    if (const VkResult r = vkResetFences(device_, 1, &fence); r != VK_SUCCESS) return r;
    if (lock_) lock_();
    VkResult result = VK_SUCCESS;
    for (size_t i = 0; i < commands.size() && result == VK_SUCCESS; ++i) {
        VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
        info.commandBufferCount = 1, info.pCommandBuffers = &commands[i];
        result = vkQueueSubmit(queue_, 1, &info, i + 1 == commands.size() ? fence : VK_NULL_HANDLE);
    }
    // A submit that fails half-way: what went before uses memory that the caller may free or record again.
    if (result != VK_SUCCESS && result != VK_ERROR_DEVICE_LOST && commands.size() > 1) vkQueueWaitIdle(queue_);
    if (unlock_) unlock_();
    if (result == VK_SUCCESS) pending_.push_back(fence);
    return result;
}

VkResult Queue::wait(VkFence fence) {
    const VkResult result = vkWaitForFences(device_, 1, &fence, VK_TRUE, UINT64_MAX);
    const std::lock_guard guard(mutex_);
    std::erase(pending_, fence);
    return result;
}

VkResult Queue::finish() {
    // Under the lock: a fence of this list must not be reset for another submit while it is waited for.
    const std::lock_guard guard(mutex_);
    if (pending_.empty()) return VK_SUCCESS;
    const VkResult result = vkWaitForFences(device_, uint32_t(pending_.size()), pending_.data(), VK_TRUE, UINT64_MAX);
    pending_.clear();
    return result;
}

}  // namespace rw::vulkan
