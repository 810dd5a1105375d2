// The one queue of a device. Submits are ordered; finish() is how host reads and writes get behind them. Nobody waits
// with the lock held: one thread's wait does not hold up another's submit.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "vulkan/check.h"

namespace rw::vulkan {

class Queue {
public:
    /// A fence of a submit. Goes back to the queue with its last holder, so that nobody resets one that is waited for.
    struct Fence;
    using Ticket = std::shared_ptr<const Fence>;

    Queue(VkDevice device, VkQueue queue, std::function<void()> lock, std::function<void()> unlock)
        : device_(device), queue_(queue), lock_(std::move(lock)), unlock_(std::move(unlock)) {}
    ~Queue();
    Queue(const Queue&) = delete;

    /// Submits the command buffers one by one, so that no single submit runs for long. `ticket` is for the last one.
    VkResult submit(const std::vector<VkCommandBuffer>& commands, Ticket& ticket);
    /// Waits for a submit.
    VkResult wait(const Ticket& ticket);
    /// Waits for everything submitted through this object before.
    VkResult finish();

private:
    VkResult new_ticket(Ticket& ticket);
    VkResult wait(const std::vector<Ticket>& tickets);

    VkDevice device_;
    VkQueue queue_;
    std::function<void()> lock_, unlock_;
    std::mutex mutex_;
    std::vector<Ticket> pending_;
    std::mutex spare_mutex_;
    std::vector<VkFence> spare_;  // reset
};

}  // namespace rw::vulkan
