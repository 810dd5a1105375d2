#include "vulkan/features.h"

#include <algorithm>
#include <cstring>

namespace rw::vulkan {
namespace {

/// Extensions and core version of a device; a feature is there when either brings it.
class Catalogue {
public:
    explicit Catalogue(VkPhysicalDevice device) {
        vkGetPhysicalDeviceProperties(device, &properties_);
        uint32_t n = 0;
        vkEnumerateDeviceExtensionProperties(device, nullptr, &n, nullptr);
        extensions_.resize(n);
        vkEnumerateDeviceExtensionProperties(device, nullptr, &n, extensions_.data());
    }
    bool core(uint32_t version) const { return properties_.apiVersion >= version; }
    bool extension(const char* name) const {
        return std::any_of(extensions_.begin(), extensions_.end(),
                           [&](const VkExtensionProperties& e) { return !std::strcmp(e.extensionName, name); });
    }
    bool has(uint32_t version, const char* name) const { return core(version) || extension(name); }

private:
    VkPhysicalDeviceProperties properties_;
    std::vector<VkExtensionProperties> extensions_;
};

/// The newest way of asking a device that it understands: every struct is only chained when it knows it.
template <class... Structs>
void* link(Structs&... s) {
    void* next = nullptr;
    ((s.pNext = next, next = &s), ...);
    return next;
}

std::string version_text(const VkPhysicalDeviceProperties& p) {
    return std::to_string(VK_API_VERSION_MAJOR(p.driverVersion)) + "." +
           std::to_string(VK_API_VERSION_MINOR(p.driverVersion)) + "." +
           std::to_string(VK_API_VERSION_PATCH(p.driverVersion));
}

void subgroup_facts(const VkPhysicalDeviceSubgroupProperties& s, std::map<std::string, int64_t>& facts) {
    const bool in_compute = s.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT;
    const auto can = [&](VkSubgroupFeatureFlags bit) { return int64_t(in_compute && (s.supportedOperations & bit)); };
    facts["subgroup"] = in_compute ? s.subgroupSize : 1;
    facts["shuffle"] = can(VK_SUBGROUP_FEATURE_SHUFFLE_BIT);
    facts["clustered"] = can(VK_SUBGROUP_FEATURE_CLUSTERED_BIT);
    facts["subgroup_arithmetic"] = can(VK_SUBGROUP_FEATURE_ARITHMETIC_BIT);
    facts["subgroup_ballot"] = can(VK_SUBGROUP_FEATURE_BALLOT_BIT);
}

}  // namespace

Features offered(VkPhysicalDevice device) {
    const Catalogue has(device);
    VkPhysicalDeviceFeatures2 base{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    VkPhysicalDeviceBufferDeviceAddressFeatures address{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES};
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroup{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceShaderFloat16Int8Features narrow{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
    VkPhysicalDevice16BitStorageFeatures storage16{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
    VkPhysicalDevice8BitStorageFeatures storage8{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES};
    const auto add = [&](bool known, auto& s) {
        if (known) s.pNext = base.pNext, base.pNext = &s;
    };
    add(has.has(VK_API_VERSION_1_2, VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME), address);
    add(has.has(VK_API_VERSION_1_3, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME), subgroup);
    add(has.has(VK_API_VERSION_1_2, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME), narrow);
    add(true, storage16);
    add(has.has(VK_API_VERSION_1_2, VK_KHR_8BIT_STORAGE_EXTENSION_NAME), storage8);
    vkGetPhysicalDeviceFeatures2(device, &base);
    Features f;
    f.device_address = address.bufferDeviceAddress;
    f.subgroup_control = subgroup.subgroupSizeControl && subgroup.computeFullSubgroups;
    f.int64 = base.features.shaderInt64;
    f.int8 = narrow.shaderInt8, f.f16 = narrow.shaderFloat16;
    f.storage16 = storage16.storageBuffer16BitAccess, f.storage8 = storage8.storageBuffer8BitAccess;
    return f;
}

Features enabled(const void* chain, uint32_t version, std::span<const char* const> extensions) {
    const auto brought = [&](uint32_t core, const char* extension) {
        return version >= core || std::any_of(extensions.begin(), extensions.end(),
                                              [&](const char* e) { return e && !std::strcmp(e, extension); });
    };
    const bool address = brought(VK_API_VERSION_1_2, VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME),
               subgroup = brought(VK_API_VERSION_1_3, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME),
               narrow = brought(VK_API_VERSION_1_2, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME),
               bytes = brought(VK_API_VERSION_1_2, VK_KHR_8BIT_STORAGE_EXTENSION_NAME);
    Features f;
    for (auto* s = static_cast<const VkBaseInStructure*>(chain); s; s = s->pNext) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2) {
            f.int64 = reinterpret_cast<const VkPhysicalDeviceFeatures2*>(s)->features.shaderInt64;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES) {
            f.storage16 = reinterpret_cast<const VkPhysicalDeviceVulkan11Features*>(s)->storageBuffer16BitAccess;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES) {
            const auto& v = *reinterpret_cast<const VkPhysicalDeviceVulkan12Features*>(s);
            f.device_address = v.bufferDeviceAddress && address;
            f.f16 = v.shaderFloat16 && narrow, f.int8 = v.shaderInt8 && narrow, f.storage8 = v.storageBuffer8BitAccess && bytes;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES) {
            const auto& v = *reinterpret_cast<const VkPhysicalDeviceVulkan13Features*>(s);
            f.subgroup_control = v.subgroupSizeControl && v.computeFullSubgroups && subgroup;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES) {
            f.device_address =
                reinterpret_cast<const VkPhysicalDeviceBufferDeviceAddressFeatures*>(s)->bufferDeviceAddress && address;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES) {
            const auto& v = *reinterpret_cast<const VkPhysicalDeviceSubgroupSizeControlFeatures*>(s);
            f.subgroup_control = v.subgroupSizeControl && v.computeFullSubgroups && subgroup;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES) {
            const auto& v = *reinterpret_cast<const VkPhysicalDeviceShaderFloat16Int8Features*>(s);
            f.f16 = v.shaderFloat16 && narrow, f.int8 = v.shaderInt8 && narrow;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES) {
            f.storage16 = reinterpret_cast<const VkPhysicalDevice16BitStorageFeatures*>(s)->storageBuffer16BitAccess;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES) {
            f.storage8 = reinterpret_cast<const VkPhysicalDevice8BitStorageFeatures*>(s)->storageBuffer8BitAccess && bytes;
        }
    }
    return f;
}

FeatureChain::FeatureChain(VkPhysicalDevice device, const Features& wanted) {
    const Catalogue has(device);
    const auto add = [&](bool want, auto& s, uint32_t core, const char* extension) {
        if (!want) return;
        s.pNext = features_.pNext, features_.pNext = &s;
        if (!has.core(core)) extensions_.push_back(extension);
    };
    add(wanted.device_address, address_, VK_API_VERSION_1_2, VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME);
    add(wanted.subgroup_control, subgroup_, VK_API_VERSION_1_3, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    add(wanted.f16 || wanted.int8, small_, VK_API_VERSION_1_2, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME);
    add(wanted.storage16, storage16_, VK_API_VERSION_1_1, VK_KHR_16BIT_STORAGE_EXTENSION_NAME);
    add(wanted.storage8, storage8_, VK_API_VERSION_1_2, VK_KHR_8BIT_STORAGE_EXTENSION_NAME);
    features_.features.shaderInt64 = wanted.int64;
    address_.bufferDeviceAddress = VK_TRUE;
    subgroup_.subgroupSizeControl = subgroup_.computeFullSubgroups = VK_TRUE;
    small_.shaderFloat16 = wanted.f16, small_.shaderInt8 = wanted.int8;
    storage16_.storageBuffer16BitAccess = storage8_.storageBuffer8BitAccess = VK_TRUE;
    if (has.extension("VK_KHR_portability_subset")) extensions_.push_back("VK_KHR_portability_subset");
}

core::DeviceInfo describe(VkPhysicalDevice device, const Features& enabled, const std::string& id) {
    const Catalogue has(device);
    VkPhysicalDeviceProperties2 base{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    VkPhysicalDeviceSubgroupProperties subgroup{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties limits3{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceSubgroupSizeControlProperties control{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    base.pNext = link(subgroup, limits3);
    const auto add = [&](bool known, auto& s) {
        if (known) s.pNext = base.pNext, base.pNext = &s;
    };
    add(has.has(VK_API_VERSION_1_2, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME), driver);
    add(enabled.subgroup_control, control);
    vkGetPhysicalDeviceProperties2(device, &base);
    const VkPhysicalDeviceProperties& p = base.properties;
    const VkPhysicalDeviceLimits& l = p.limits;

    core::DeviceInfo info;
    info.id = id, info.name = p.deviceName;
    info.driver = std::string(driver.driverName) + " " + driver.driverInfo + " " + version_text(p);
    info.is_software = p.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(device, &memory);
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i)
        if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) info.memory += memory.memoryHeaps[i].size;
    info.max_allocation = limits3.maxMemoryAllocationSize;

    auto& facts = info.facts;
    subgroup_facts(subgroup, facts);
    facts["subgroup_control"] = enabled.subgroup_control;
    facts["subgroup_min"] = enabled.subgroup_control ? control.minSubgroupSize : facts["subgroup"];
    facts["subgroup_max"] = enabled.subgroup_control ? control.maxSubgroupSize : facts["subgroup"];
    facts["shared_bytes"] = l.maxComputeSharedMemorySize;
    facts["max_local"] = l.maxComputeWorkGroupInvocations;
    facts["max_bindings"] = l.maxPerStageDescriptorStorageBuffers;
    // For tests: a smaller limit than the device's brings small tensors to the kernels that reach them by address.
    const char* pretended = std::getenv("REWIND_MAX_BINDING");
    facts["max_binding"] = std::min<int64_t>(l.maxStorageBufferRange, pretended ? std::atoll(pretended) : INT64_MAX);
    facts["binding_align"] = int64_t(l.minStorageBufferOffsetAlignment);
    facts["f16"] = enabled.f16 && enabled.storage16;
    facts["int8"] = enabled.int8 && enabled.storage8;
    facts["int64"] = enabled.int64;
    facts["bda"] = enabled.device_address;
    facts["software"] = info.is_software;
    facts["vendor"] = p.vendorID;
    facts["unified"] = p.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU || info.is_software;
    return info;
}

}  // namespace rw::vulkan
