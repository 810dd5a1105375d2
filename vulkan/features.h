// What of a physical device is used: the features and extensions to enable, and the facts that kernel rows ask for.
#pragma once

#include <vulkan/vulkan.h>

#include <span>
#include <vector>

#include "core/device.h"

namespace rw::vulkan {

/// Optional features, all of them conveniences: kernels that use none always exist.
struct Features {
    bool device_address = false;    // bufferDeviceAddress: tensors past maxStorageBufferRange
    bool subgroup_control = false;  // subgroupSizeControl and computeFullSubgroups
    bool int64 = false, int8 = false, f16 = false, storage16 = false, storage8 = false;
};

/// What of those an engine says it enabled: `chain` as in VkDeviceCreateInfo::pNext. A feature counts when the version
/// it is core in is reached, or when the extension that brings it is listed.
Features enabled(const void* chain, uint32_t version, std::span<const char* const> extensions);

/// The features a device offers out of those above.
Features offered(VkPhysicalDevice device);

/// A pNext chain and extension list that enable `wanted` on a VkDevice. Points into itself: neither copied nor moved.
class FeatureChain {
public:
    FeatureChain(VkPhysicalDevice device, const Features& wanted);
    FeatureChain(const FeatureChain&) = delete;
    const void* chain() const { return &features_; }
    const std::vector<const char*>& extensions() const { return extensions_; }

private:
    VkPhysicalDeviceFeatures2 features_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    VkPhysicalDeviceBufferDeviceAddressFeatures address_{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES};
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceShaderFloat16Int8Features small_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
    VkPhysicalDevice16BitStorageFeatures storage16_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
    VkPhysicalDevice8BitStorageFeatures storage8_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES};
    std::vector<const char*> extensions_;
};

/// Name, driver, memory and facts of a device of which `enabled` may be used.
core::DeviceInfo describe(VkPhysicalDevice device, const Features& enabled, const std::string& id);

}  // namespace rw::vulkan
