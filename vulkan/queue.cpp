#include "vulkan/queue.h"

#include <algorithm>

namespace rw::vulkan {

struct Queue::Fence {
    Queue& queue;
    VkFence fence = VK_NULL_HANDLE;
    ~Fence() {
        if (fence && vkResetFences(queue.device_, 1, &fence) == VK_SUCCESS) try {
                const std::lock_guard guard(queue.spare_mutex_);
                queue.spare_.push_back(fence);
                return;
            } catch (const std::bad_alloc&) {  // one fence less
            }
        vkDestroyFence(queue.device_, fence, nullptr);
    }
};

Queue::~Queue() {
    pending_.clear();
    for (const VkFence fence : spare_) vkDestroyFence(device_, fence, nullptr);
}

VkResult Queue::new_ticket(Ticket& ticket) {
    const auto made = std::make_shared<Fence>(*this);
    const std::lock_guard guard(spare_mutex_);
    if (spare_.empty()) {
        const VkFenceCreateInfo create{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
        if (const VkResult r = vkCreateFence(device_, &create, nullptr, &made->fence); r != VK_SUCCESS) return r;
    } else {
        made->fence = spare_.back(), spare_.pop_back();
    }
    ticket = made;
    return VK_SUCCESS;
}

VkResult Queue::submit(const std::vector<VkCommandBuffer>& commands, Ticket& ticket) {
    Ticket made;
    if (const VkResult r = new_ticket(made); r != VK_SUCCESS) return r;
    const std::lock_guard guard(mutex_);
    pending_.reserve(pending_.size() + 1);
    if (lock_) lock_();
    VkResult result = VK_SUCCESS;
    for (size_t i = 0; i < commands.size() && result == VK_SUCCESS; ++i) {
        VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
        info.commandBufferCount = 1, info.pCommandBuffers = &commands[i];
        result = vkQueueSubmit(queue_, 1, &info, i + 1 == commands.size() ? made->fence : VK_NULL_HANDLE);
    }
    // A submit that fails half-way: what went before uses memory that the caller may free or record again.
    if (result != VK_SUCCESS && result != VK_ERROR_DEVICE_LOST && commands.size() > 1) vkQueueWaitIdle(queue_);
    if (unlock_) unlock_();
    if (result == VK_SUCCESS) pending_.push_back(made), ticket = std::move(made);
    return result;
}

VkResult Queue::wait(const std::vector<Ticket>& tickets) {
    if (tickets.empty()) return VK_SUCCESS;
    std::vector<VkFence> fences;
    for (const Ticket& t : tickets) fences.push_back(t->fence);
    const VkResult result = vkWaitForFences(device_, uint32_t(fences.size()), fences.data(), VK_TRUE, UINT64_MAX);
    const std::lock_guard guard(mutex_);
    std::erase_if(pending_, [&](const Ticket& t) { return std::find(tickets.begin(), tickets.end(), t) != tickets.end(); });
    return result;
}

VkResult Queue::wait(const Ticket& ticket) { return ticket ? wait(std::vector{ticket}) : VK_SUCCESS; }

VkResult Queue::finish() {
    std::unique_lock guard(mutex_);
    const std::vector<Ticket> all = pending_;
    guard.unlock();
    return wait(all);
}

}  // namespace rw::vulkan
