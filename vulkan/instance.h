// A VkInstance, ours or an engine's.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "vulkan/check.h"

namespace rw::vulkan {

class Instance {
public:
    /// Creates one. REWIND_VULKAN_VALIDATION=1 turns the Khronos validation layer on where it is installed; what it
    /// reports is printed as warnings and counted. Throws not_found when there is no driver at all.
    Instance();
    /// Uses one that somebody else owns.
    explicit Instance(VkInstance foreign) : handle_(foreign), owned_(false) {}
    ~Instance();
    Instance(const Instance&) = delete;

    VkInstance handle() const { return handle_; }
    /// Devices that speak Vulkan 1.1 and have a compute queue; real ones before software ones, otherwise in the
    /// loader's order.
    std::vector<VkPhysicalDevice> devices() const;
    uint64_t validation_errors() const { return errors_; }
    void count_error() { ++errors_; }

private:
    VkInstance handle_ = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    bool owned_ = true;
    std::atomic<uint64_t> errors_{0};
};

/// The family to compute on: one without graphics if there is one, so that a display is not held up. -1: none.
int compute_family(VkPhysicalDevice device);

}  // namespace rw::vulkan
