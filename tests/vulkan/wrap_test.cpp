// An engine with a VkDevice of its own, through the public interface alone: it asks what to enable, creates the device,
// wraps it with its pipeline cache and its buffers, runs, and finds everything as it left it.
#include <gtest/gtest.h>
#include <vulkan/vulkan.h>

#include <cmath>
#include <cstring>

#include "rewind/rewind.hpp"

namespace rw {
namespace {

class Engine : public ::testing::Test {
protected:
    void SetUp() override {
        const VkApplicationInfo app{VK_STRUCTURE_TYPE_APPLICATION_INFO, nullptr, "engine", 1, "engine", 1, VK_API_VERSION_1_2};
        VkInstanceCreateInfo create{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
        create.pApplicationInfo = &app;
        uint32_t n = 1;
        if (vkCreateInstance(&create, nullptr, &instance) != VK_SUCCESS ||
            vkEnumeratePhysicalDevices(instance, &n, &physical) < 0 || n == 0)
            GTEST_SKIP() << "no Vulkan device";
        ASSERT_EQ(rw_vulkan_wishes_create(context.handle(), physical, &wishes), RW_OK) << rw_message();
        uint32_t families = 0;
        vkGetPhysicalDeviceQueueFamilyProperties(physical, &families, nullptr);
        std::vector<VkQueueFamilyProperties> of(families);
        vkGetPhysicalDeviceQueueFamilyProperties(physical, &families, of.data());
        while (family < families && !(of[family].queueFlags & VK_QUEUE_COMPUTE_BIT)) ++family;
        const float priority = 1;
        const VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, nullptr, 0, family, 1, &priority};
        VkDeviceCreateInfo make{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, wishes->features};
        make.queueCreateInfoCount = 1, make.pQueueCreateInfos = &queues;
        make.enabledExtensionCount = wishes->n_extensions, make.ppEnabledExtensionNames = wishes->extensions;
        ASSERT_EQ(vkCreateDevice(physical, &make, nullptr, &device), VK_SUCCESS);
        const VkPipelineCacheCreateInfo cache{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
        ASSERT_EQ(vkCreatePipelineCache(device, &cache, nullptr, &pipelines), VK_SUCCESS);
        VkQueue queue;
        vkGetDeviceQueue(device, family, 0, &queue);
        handles.queue_family = family, handles.instance = instance, handles.physical_device = physical;
        handles.device = device, handles.queue = queue, handles.api_version = VK_API_VERSION_1_2;
        handles.extensions = wishes->extensions, handles.n_extensions = wishes->n_extensions;
        handles.features = wishes->features, handles.pipeline_cache = uint64_t(pipelines);
        handles.lock = [](void* user) { ++*static_cast<int*>(user); };
        handles.unlock = [](void* user) { --*static_cast<int*>(user); };
        handles.user = &locked;
    }
    void TearDown() override {
        rw_vulkan_wishes_destroy(wishes);
        if (device) vkDestroyPipelineCache(device, pipelines, nullptr), vkDestroyDevice(device, nullptr);
        if (instance) vkDestroyInstance(instance, nullptr);
    }
    /// A buffer of the engine's, `bytes` long.
    void make_buffer(uint64_t bytes) {
        VkBufferCreateInfo create{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
        create.size = bytes;
        create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                       VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
        ASSERT_EQ(vkCreateBuffer(device, &create, nullptr, &buffer), VK_SUCCESS);
        VkMemoryRequirements needs;
        vkGetBufferMemoryRequirements(device, buffer, &needs);
        uint32_t type = 0;
        while (!(needs.memoryTypeBits >> type & 1)) ++type;
        const VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, nullptr,
                                              VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT, 0};
        const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &flags, needs.size, type};
        ASSERT_EQ(vkAllocateMemory(device, &allocate, nullptr, &memory), VK_SUCCESS);
        ASSERT_EQ(vkBindBufferMemory(device, buffer, memory, 0), VK_SUCCESS);
    }
    Context context;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkPipelineCache pipelines = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    uint32_t family = 0;
    rw_vulkan_wishes* wishes = nullptr;
    rw_vulkan_handles handles{};
    int locked = 0;
};

TEST_F(Engine, RunsOnItsOwnDeviceAndBuffers) {
    make_buffer(4096);
    {
        Device wrapped = context.wrap(handles);
        Buffer mine = wrapped.wrap(uint64_t(buffer), 1024, 1024);
        mine.write(std::vector<float>{3, 4});
        Plan plan = wrapped.plan();
        plan.add("L2_NORM", {arg("x", Type::f32, {2}, mine), arg("out", Type::f32, {2}, mine, 512)});
        plan.run();
        const std::vector<float> out = mine.read<float>(2, 512);
        EXPECT_NEAR(out[0], 0.6, 1e-6);
        EXPECT_NEAR(out[1], 0.8, 1e-6);
    }
    EXPECT_EQ(locked, 0);
    EXPECT_EQ(vkDeviceWaitIdle(device), VK_SUCCESS);
    size_t size = 0;
    EXPECT_EQ(vkGetPipelineCacheData(device, pipelines, &size, nullptr), VK_SUCCESS);
    vkDestroyBuffer(device, buffer, nullptr), vkFreeMemory(device, memory, nullptr);
}

TEST_F(Engine, FeaturesThatItDidNotEnableAreNotUsed) {
    handles.features = nullptr;
    Device wrapped = context.wrap(handles);
    Buffer x = wrapped.upload(std::vector<float>{3, 4}), out = wrapped.allocate(8);
    Plan plan = wrapped.plan();
    const size_t step = plan.add("L2_NORM", {arg("x", Type::f32, {2}, x), arg("out", Type::f32, {2}, out)});
    EXPECT_EQ(plan.implementation(step).find("far"), std::string::npos);
    plan.run();
    EXPECT_NEAR(out.read<float>(1)[0], 0.6, 1e-6);
}

TEST_F(Engine, BadHandlesAreRefused) {
    const auto refused = [&](auto spoil, rw_status status) {
        rw_vulkan_handles h = handles;
        h.size = sizeof h;
        spoil(h);
        rw_device* made = nullptr;
        EXPECT_EQ(rw_device_wrap_vulkan(context.handle(), &h, &made), status) << rw_message();
        EXPECT_EQ(made, nullptr);
    };
    refused([](auto& h) { h.size = 8; }, RW_INVALID_ARGUMENT);
    refused([](auto& h) { h.device = nullptr; }, RW_INVALID_ARGUMENT);
    refused([](auto& h) { h.physical_device = nullptr; }, RW_INVALID_ARGUMENT);
    refused([](auto& h) { h.queue_family = 1000; }, RW_INVALID_ARGUMENT);
    refused([](auto& h) { h.unlock = nullptr; }, RW_INVALID_ARGUMENT);
    refused([](auto& h) { h.extensions = nullptr, h.n_extensions = 2; }, RW_INVALID_ARGUMENT);
    refused([](auto& h) { h.api_version = VK_API_VERSION_1_0; }, RW_UNSUPPORTED);
    rw_device* made = nullptr;
    EXPECT_EQ(rw_device_wrap_vulkan(context.handle(), nullptr, &made), RW_INVALID_ARGUMENT);
    rw_vulkan_wishes* none = nullptr;
    EXPECT_EQ(rw_vulkan_wishes_create(context.handle(), nullptr, &none), RW_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace rw
