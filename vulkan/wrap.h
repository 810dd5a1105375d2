// Running inside an engine that owns the Vulkan device: its handles are used and never destroyed.
#pragma once

#include <vulkan/vulkan.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/device.h"
#include "rewind/rewind.h"
#include "vulkan/features.h"

namespace rw::vulkan {

struct Handles {
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t family = 0;  // of the queue; has to support compute
    Features enabled;     // what the engine enabled on its device; nothing else is used
    VkPipelineCache pipelines = VK_NULL_HANDLE;  // the engine's, used and left to it; null: our own, kept on disk
    bool staged = false;  // tests: copies go through staging even where the host sees all memory
    /// Called around every use of the queue; may be empty when nobody else uses it.
    std::function<void()> lock, unlock;
};

/// The handles of rewind.h, checked as far as they can be.
Handles read_handles(const rw_vulkan_handles& from);

/// A device on top of an engine's handles, which have to outlive it and all its buffers.
std::shared_ptr<core::Device> wrap_device(const Handles& handles);

/// `bytes` bytes of an engine's buffer from `offset` on. The buffer needs the usages STORAGE_BUFFER, TRANSFER_SRC and
/// TRANSFER_DST (and SHADER_DEVICE_ADDRESS when Features::device_address is on), the offset has to be a multiple of
/// minStorageBufferOffsetAlignment and of 16. The caller orders its own work on the buffer before and after ours.
std::shared_ptr<core::Buffer> wrap_buffer(core::Device& device, VkBuffer buffer, uint64_t offset, uint64_t bytes);

/// Errors that the validation layer has reported for this device's instance (REWIND_VULKAN_VALIDATION=1).
uint64_t validation_errors(const core::Device& device);

/// Tests: the device behaves as if the driver had reported its loss.
void pretend_lost(core::Device& device);

}  // namespace rw::vulkan
