// The one queue of a device. Submits are ordered; finish() is how host reads and writes get behind them.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "vulkan/check.h"

namespace rw::vulkan {

class Queue {
public:
    Queue(VkDevice device, VkQueue queue, std::function<void()> lock, std::function<void()> unlock)
        : device_(device), queue_(queue), lock_(std::move(lock)), unlock_(std::move(unlock)) {}

    /// Submits the command buffers one by one, the fence with the last, so that no single submit runs for long.
    VkResult submit(const std::vector<VkCommandBuffer>& commands, VkFence fence);
    /// Waits for a submitted fence and forgets it.
    VkResult wait(VkFence fence);
    /// Waits for everything submitted through this object.
    VkResult finish();

private:
    VkDevice device_;
    VkQueue queue_;
    std::function<void()> lock_, unlock_;
    std::mutex mutex_;
    std::vector<VkFence> pending_;
};

}  // namespace rw::vulkan
