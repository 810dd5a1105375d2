#include "vulkan/instance.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/log.h"

namespace rw::vulkan {
namespace {

constexpr char validation_layer[] = "VK_LAYER_KHRONOS_validation";

bool wants_validation() {
    const char* value = std::getenv("REWIND_VULKAN_VALIDATION");
    if (!value || !*value || *value == '0') return false;
    uint32_t n = 0;
    vkEnumerateInstanceLayerProperties(&n, nullptr);
    std::vector<VkLayerProperties> layers(n);
    vkEnumerateInstanceLayerProperties(&n, layers.data());
    for (const VkLayerProperties& layer : layers)
        if (!std::strcmp(layer.layerName, validation_layer)) return true;
    core::warn("vulkan: REWIND_VULKAN_VALIDATION is set, but the validation layer is not installed");
    return false;
}

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void* instance) {
    if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) static_cast<Instance*>(instance)->count_error();
    core::warn(std::string("vulkan validation: ") + data->pMessage);
    return VK_FALSE;
}

template <class F>
F load(VkInstance instance, const char* name) {
    return reinterpret_cast<F>(vkGetInstanceProcAddr(instance, name));
}

}  // namespace

Instance::Instance() {
    uint32_t version = VK_API_VERSION_1_0;
    vkEnumerateInstanceVersion(&version);
    if (version < VK_API_VERSION_1_1)
        throw Error(Status::not_found, "vulkan: the loader is older than Vulkan 1.1; update libvulkan");
    const VkApplicationInfo app{VK_STRUCTURE_TYPE_APPLICATION_INFO, nullptr, "rewind", 1, "rewind", 1,
                                std::min(version, uint32_t(VK_API_VERSION_1_3))};
    const bool validate = wants_validation();
    const char* layers[] = {validation_layer};
    const char* extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    VkDebugUtilsMessengerCreateInfoEXT messenger{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
    messenger.messageSeverity =
        VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    messenger.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
    messenger.pfnUserCallback = on_message, messenger.pUserData = this;
    VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    info.pApplicationInfo = &app;
    if (validate) {
        info.enabledLayerCount = 1, info.ppEnabledLayerNames = layers;
        info.enabledExtensionCount = 1, info.ppEnabledExtensionNames = extensions;
        info.pNext = &messenger;
    }
    const VkResult result = vkCreateInstance(&info, nullptr, &handle_);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        throw Error(Status::not_found, "vulkan: no driver is installed (on Debian: mesa-vulkan-drivers)");
    check(result, "creating an instance");
    if (validate)
        if (const auto create = load<PFN_vkCreateDebugUtilsMessengerEXT>(handle_, "vkCreateDebugUtilsMessengerEXT"))
            create(handle_, &messenger, nullptr, &messenger_);
}

Instance::~Instance() {
    if (!owned_) return;
    if (messenger_)
        if (const auto destroy = load<PFN_vkDestroyDebugUtilsMessengerEXT>(handle_, "vkDestroyDebugUtilsMessengerEXT"))
            destroy(handle_, messenger_, nullptr);
    vkDestroyInstance(handle_, nullptr);
}

std::vector<VkPhysicalDevice> Instance::devices() const {
    uint32_t n = 0;
    if (vkEnumeratePhysicalDevices(handle_, &n, nullptr) != VK_SUCCESS) return {};
    std::vector<VkPhysicalDevice> list(n);
    vkEnumeratePhysicalDevices(handle_, &n, list.data());
    list.resize(n);
    const auto properties = [](VkPhysicalDevice d) {
        VkPhysicalDeviceProperties p;
        vkGetPhysicalDeviceProperties(d, &p);
        return p;
    };
    std::erase_if(list, [&](VkPhysicalDevice d) {
        return properties(d).apiVersion < VK_API_VERSION_1_1 || compute_family(d) < 0;
    });
    std::stable_partition(list.begin(), list.end(), [&](VkPhysicalDevice d) {
        return properties(d).deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU;
    });
    return list;
}

int compute_family(VkPhysicalDevice device) {
    uint32_t n = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(device, &n, nullptr);
    std::vector<VkQueueFamilyProperties> families(n);
    vkGetPhysicalDeviceQueueFamilyProperties(device, &n, families.data());
    int any = -1;
    for (uint32_t i = 0; i < n; ++i) {
        if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)) continue;
        if (!(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)) return int(i);
        if (any < 0) any = int(i);
    }
    return any;
}

}  // namespace rw::vulkan
