// The queue and the staging area of a device under several threads, and what a small write costs. Skipped where there
// is no Vulkan device.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <numeric>
#include <thread>

#include "vulkan/device.h"

namespace rw::vulkan {
namespace {

using namespace std::chrono_literals;

class VulkanQueue : public ::testing::Test {
protected:
    void SetUp() override {
        try {
            instance = std::make_shared<Instance>();
        } catch (const Error& e) {
            GTEST_SKIP() << e.what();
        }
        if (instance->devices().empty()) GTEST_SKIP() << "no Vulkan device";
        owner = std::make_shared<Context>(instance, instance->devices()[0], "vulkan:0");
        VkQueue queue;
        vkGetDeviceQueue(owner->device, owner->family, 0, &queue);
        handles.instance = instance->handle(), handles.physical = owner->physical, handles.device = owner->device;
        handles.queue = queue, handles.family = owner->family, handles.enabled = owner->features, handles.staged = true;
        handles.lock = [this] { ++submits; }, handles.unlock = [] {};
    }
    std::shared_ptr<Instance> instance;
    std::shared_ptr<Context> owner;
    Handles handles;
    std::atomic<int> submits{0};
};

/// A command buffer that ends when the host sets its event.
struct Held {
    explicit Held(Context& c) : context(c) {
        const VkEventCreateInfo create{VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
        context.check(vkCreateEvent(c.device, &create, nullptr, &event), "creating an event");
        VkCommandPoolCreateInfo of{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
        of.queueFamilyIndex = c.family;
        context.check(vkCreateCommandPool(c.device, &of, nullptr, &pool), "creating a pool");
        VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
        allocate.commandPool = pool, allocate.commandBufferCount = 1;
        context.check(vkAllocateCommandBuffers(c.device, &allocate, &commands), "allocating");
        const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
        context.check(vkBeginCommandBuffer(commands, &begin), "recording");
        vkCmdWaitEvents(commands, 1, &event, VK_PIPELINE_STAGE_HOST_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, nullptr, 0,
                        nullptr, 0, nullptr);
        context.check(vkEndCommandBuffer(commands), "recording");
    }
    ~Held() { vkDestroyCommandPool(context.device, pool, nullptr), vkDestroyEvent(context.device, event, nullptr); }
    void release() { vkSetEvent(context.device, event); }
    Context& context;
    VkEvent event = VK_NULL_HANDLE;
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
};

TEST_F(VulkanQueue, AWaitDoesNotHoldUpASubmit) {
    if (!owner->info.is_software) GTEST_SKIP() << "a watchdog would end a submit that waits for the host";
    Held first(*owner), second(*owner);
    second.release();
    Queue& queue = *owner->queue;
    Queue::Ticket ticket, other;
    ASSERT_EQ(queue.submit({first.commands}, ticket), VK_SUCCESS);
    auto finished = std::async(std::launch::async, [&] { return queue.finish(); });
    EXPECT_EQ(finished.wait_for(200ms), std::future_status::timeout);
    auto submitted = std::async(std::launch::async, [&] { return queue.submit({second.commands}, other); });
    const bool free = submitted.wait_for(20s) == std::future_status::ready;
    first.release();
    EXPECT_TRUE(free) << "the submit waited for the other thread's finish()";
    EXPECT_EQ(submitted.get(), VK_SUCCESS);
    EXPECT_EQ(finished.get(), VK_SUCCESS);
    EXPECT_EQ(queue.wait(ticket), VK_SUCCESS);
    EXPECT_EQ(queue.wait(ticket), VK_SUCCESS);  // twice, and by anybody
    EXPECT_EQ(queue.wait(other), VK_SUCCESS);
    EXPECT_EQ(queue.finish(), VK_SUCCESS);
}

TEST_F(VulkanQueue, ASmallWriteIsACopy) {
    Device device(std::make_shared<Context>(handles));
    const auto position = device.allocate(4), state = device.allocate(Buffer::small + 1);
    const int32_t seven = 7;
    position->write(0, &seven, 4);
    EXPECT_EQ(submits, 0);
    int32_t back = 0;
    position->read(0, &back, 4);
    EXPECT_EQ(back, 7);
    EXPECT_EQ(submits, 0);
    state->write(Buffer::small - 3, &seven, 4);
    EXPECT_EQ(submits, 1);  // what `staged` is for
    back = 0;
    state->read(Buffer::small - 3, &back, 4);
    EXPECT_EQ(back, 7);
    EXPECT_EQ(submits, 2);
}

TEST_F(VulkanQueue, ThreadsShareTheStagingArea) {
    Device device(std::make_shared<Context>(handles));
    constexpr size_t words = 1 << 14;
    const auto source = device.allocate(words * 4), target = device.allocate(words * 4);
    std::vector<uint32_t> values(words);
    std::iota(values.begin(), values.end(), 1u);
    source->write(0, values.data(), words * 4);
    std::atomic<bool> done{false};
    std::thread copies([&] {
        while (!done) EXPECT_GE(device.copy_seconds(*source, *target, words * 4), 0);
    });
    for (int round = 0; round < 100; ++round) {
        std::vector<uint32_t> back(words);
        source->read(0, back.data(), words * 4);
        EXPECT_EQ(back, values) << round;
    }
    done = true;
    copies.join();
}

}  // namespace
}  // namespace rw::vulkan
