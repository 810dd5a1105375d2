// The Vulkan driver runs out of memory in every call that makes something, and loses the device in those that run it.
// No driver does so on demand: the functions below stand before the loader's.
#include <gtest/gtest.h>
#include <vulkan/vulkan.h>

#include <cstdlib>

#include "tests/support/faults.h"

using rw::test::Watched;

#define WATCH(kind, result, name, parameters, arguments)                    \
    extern "C" VKAPI_ATTR VkResult VKAPI_CALL name parameters {             \
        static const auto forward = rw::test::real<PFN_##name>(#name);      \
        return rw::test::strike(Watched::kind) ? result : forward arguments; \
    }
#define MAKES(name, type)                                                                               \
    WATCH(making, VK_ERROR_OUT_OF_DEVICE_MEMORY, vkCreate##name,                                        \
          (VkDevice d, const Vk##name##CreateInfo* i, const VkAllocationCallbacks* a, Vk##type* made), (d, i, a, made))

MAKES(Buffer, Buffer)
MAKES(CommandPool, CommandPool)
MAKES(Fence, Fence)
MAKES(DescriptorPool, DescriptorPool)
MAKES(DescriptorSetLayout, DescriptorSetLayout)
MAKES(PipelineLayout, PipelineLayout)
MAKES(ShaderModule, ShaderModule)
WATCH(making, VK_ERROR_OUT_OF_DEVICE_MEMORY, vkAllocateMemory,
      (VkDevice d, const VkMemoryAllocateInfo* i, const VkAllocationCallbacks* a, VkDeviceMemory* made), (d, i, a, made))
WATCH(making, VK_ERROR_OUT_OF_DEVICE_MEMORY, vkBindBufferMemory,
      (VkDevice d, VkBuffer b, VkDeviceMemory m, VkDeviceSize at), (d, b, m, at))
WATCH(making, VK_ERROR_OUT_OF_HOST_MEMORY, vkMapMemory,
      (VkDevice d, VkDeviceMemory m, VkDeviceSize at, VkDeviceSize n, VkMemoryMapFlags f, void** p), (d, m, at, n, f, p))
WATCH(making, VK_ERROR_OUT_OF_POOL_MEMORY, vkAllocateDescriptorSets,
      (VkDevice d, const VkDescriptorSetAllocateInfo* i, VkDescriptorSet* made), (d, i, made))
WATCH(making, VK_ERROR_OUT_OF_HOST_MEMORY, vkAllocateCommandBuffers,
      (VkDevice d, const VkCommandBufferAllocateInfo* i, VkCommandBuffer* made), (d, i, made))
WATCH(making, VK_ERROR_OUT_OF_HOST_MEMORY, vkBeginCommandBuffer,
      (VkCommandBuffer c, const VkCommandBufferBeginInfo* i), (c, i))
WATCH(making, VK_ERROR_OUT_OF_DEVICE_MEMORY, vkEndCommandBuffer, (VkCommandBuffer c), (c))
WATCH(making, VK_ERROR_OUT_OF_DEVICE_MEMORY, vkCreateComputePipelines,
      (VkDevice d, VkPipelineCache p, uint32_t n, const VkComputePipelineCreateInfo* i, const VkAllocationCallbacks* a,
       VkPipeline* made),
      (d, p, n, i, a, made))
WATCH(running, VK_ERROR_DEVICE_LOST, vkQueueSubmit, (VkQueue q, uint32_t n, const VkSubmitInfo* i, VkFence f), (q, n, i, f))
WATCH(running, VK_ERROR_DEVICE_LOST, vkWaitForFences,
      (VkDevice d, uint32_t n, const VkFence* f, VkBool32 all, uint64_t t), (d, n, f, all, t))

namespace rw::test {
namespace {

class VulkanFaults : public ::testing::Test {
protected:
    void SetUp() override {
        setenv("REWIND_SELFTEST", "0", 1);
        try {
            core::open("vulkan");
        } catch (const Error& e) {
            GTEST_SKIP() << e.what();
        }
    }
    void TearDown() override { disarm(); }
};

TEST_F(VulkanFaults, RunningOutOfMemoryIsSurvived) {
    EXPECT_GT(survives_running_out([] { return core::open("vulkan"); }), 10);
}

TEST_F(VulkanFaults, ABufferThatCannotBeMadeLeavesNothing) {
    const auto device = core::open("vulkan");
    for (int n = 0;; ++n) {
        arm(Watched::making, n);
        std::shared_ptr<core::Buffer> buffer;
        try {
            buffer = device->allocate(1 << 20);
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::out_of_memory) << e.what();
        }
        disarm();
        if (!struck()) break;
        EXPECT_FALSE(buffer);
    }
}

/// Whichever call tells of the loss first, from then on all of them do.
TEST_F(VulkanFaults, ALostDeviceStaysLost) {
    for (int n = 0; n < 2; ++n) {
        const auto device = core::open("vulkan");
        answers_lost(device, [&] {
            char byte = 0;
            const auto buffer = device->allocate(64);
            arm(Watched::running, 0, n == 1);
            EXPECT_THROW(buffer->read(0, &byte, 1), Error);  // waits for the plan under way
            EXPECT_EQ(struck(), 1);
            disarm();
        });
    }
}

}  // namespace
}  // namespace rw::test
