#include "vulkan/recording.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace rw::vulkan {
namespace {

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Recording::Objects::~Objects() {
    vkDestroyQueryPool(device, clock, nullptr);
    vkDestroyCommandPool(device, commands, nullptr);
    vkDestroyDescriptorPool(device, sets, nullptr);
}

bool Recording::Planned::same(const Planned& o) const {
    return scratch == o.scratch && std::equal(launches.begin(), launches.end(), o.launches.begin(), o.launches.end(),
                                              [](const Launch& a, const Launch& b) { return a.same(b); });
}

Recording::Blocks::Blocks(const Context& context, std::span<const core::Step> steps) {
    const uint64_t align = std::max<uint64_t>({context.limits.minStorageBufferOffsetAlignment,
                                               context.limits.minUniformBufferOffsetAlignment, 16});
    size_t params = 0;
    for (const core::Step& s : steps) params = std::max(params, ops::all()[size_t(s.call.op)].params_size);
    first = align;
    stride = (RW_MAX_ARGS * 16 + params + align - 1) / align * align;
    bytes = first + stride * steps.size();
}

Recording::Recording(std::shared_ptr<Device> device, std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch)
    : device_(std::move(device)), context_(*device_->context()), steps_(std::move(steps)), layout_(context_, steps_),
      given_scratch_(std::move(scratch)), objects_{context_.device} {
    blocks_ = std::make_unique<Memory>(context_, layout_.bytes, Memory::Use::host);
    std::memset(blocks_->mapped(), 0, layout_.first);
    for (size_t i = 0; i < steps_.size(); ++i) planned_.push_back(plan(i, steps_[i].call));

    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.queueFamilyIndex = context_.family;
    context_.check(vkCreateCommandPool(context_.device, &pool, nullptr, &objects_.commands), "creating a command pool");
    if (context_.timestamp_bits) {
        VkQueryPoolCreateInfo clock{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
        clock.queryType = VK_QUERY_TYPE_TIMESTAMP, clock.queryCount = 2;
        context_.check(vkCreateQueryPool(context_.device, &clock, nullptr, &objects_.clock), "creating a query pool");
    }
    prepare();
}

Recording::~Recording() {
    context_.queue->wait(in_flight_);
}

void Recording::update(size_t step, const ops::Call& call) {
    Planned next = plan(step, call);
    stale_ = stale_ || !next.same(planned_.at(step));
    planned_[step] = std::move(next), steps_[step].call = call;
}

void Recording::submit() {
    context_.alive();
    if (in_flight_) {  // the blocks are read by the device until then
        context_.check(context_.queue->wait(in_flight_), "waiting for the submit before");
        in_flight_.reset();
    }
    if (stale_) prepare();
    auto* base = static_cast<std::byte*>(blocks_->mapped());
    std::memcpy(&fault_, base, sizeof fault_);  // what an earlier submit raised stays raised until wait()
    for (size_t i = 0; i < planned_.size(); ++i)
        std::memcpy(base + layout_.first + i * layout_.stride, planned_[i].block.data(), planned_[i].block.size());
    started_ = now();
    context_.check(context_.queue->submit(commands_, in_flight_), "submitting");
}

void Recording::wait() {
    if (in_flight_) {
        context_.check(context_.queue->wait(in_flight_), "waiting for the device");
        in_flight_.reset();
        seconds_ = now() - started_;
        uint64_t ticks[2];
        if (objects_.clock &&
            vkGetQueryPoolResults(context_.device, objects_.clock, 0, 2, sizeof ticks, ticks, sizeof ticks[0],
                                  VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT) == VK_SUCCESS) {
            const uint64_t mask = context_.timestamp_bits >= 64 ? ~0ull : (1ull << context_.timestamp_bits) - 1;
            seconds_ = double((ticks[1] - ticks[0]) & mask) * context_.limits.timestampPeriod * 1e-9;
        }
    }
    std::memcpy(&fault_, blocks_->mapped(), sizeof fault_);
    std::memset(blocks_->mapped(), 0, sizeof fault_);
    if (const uint32_t bits = std::exchange(fault_, 0)) core::throw_fault(bits);
}

void Recording::prepare() {
    stale_ = true;
    uint64_t scratch = 0;
    for (const Planned& p : planned_) scratch = std::max(scratch, p.scratch);
    const uint64_t had = own_scratch_ ? own_scratch_->size() : given_scratch_ ? given_scratch_->size() : 0;
    if (scratch > had) {
        own_scratch_.reset();
        own_scratch_ = std::make_unique<Memory>(context_, scratch, Memory::Use::device);
    }
    write_sets();
    record();
    stale_ = false;
}

VkDescriptorBufferInfo Recording::scratch() const {
    if (own_scratch_) return {own_scratch_->handle(), 0, 0};
    if (!given_scratch_) return {};
    const Buffer& given = own(*given_scratch_, context_);
    return {given.handle(), given.base(), 0};
}

void Recording::write_sets() {
    uint32_t launches = 0, descriptors = 0;
    for (const Planned& p : planned_)
        for (const Launch& l : p.launches) ++launches, descriptors += uint32_t(l.bindings.size());
    vkDestroyDescriptorPool(context_.device, std::exchange(objects_.sets, VK_NULL_HANDLE), nullptr);
    sets_.clear();
    if (!launches) return;
    const VkDescriptorBufferInfo area = scratch();
    const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, launches},
                                          {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, std::max(descriptors, 1u)}};
    VkDescriptorPoolCreateInfo pool{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    pool.maxSets = launches, pool.poolSizeCount = 2, pool.pPoolSizes = sizes;
    context_.check(vkCreateDescriptorPool(context_.device, &pool, nullptr, &objects_.sets), "creating a descriptor pool");
    for (const Planned& p : planned_)
        for (const Launch& l : p.launches) {
            const VkDescriptorSetLayout layout = l.program->set_layout();
            VkDescriptorSetAllocateInfo allocate{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
            allocate.descriptorPool = objects_.sets, allocate.descriptorSetCount = 1, allocate.pSetLayouts = &layout;
            context_.check(vkAllocateDescriptorSets(context_.device, &allocate, &sets_.emplace_back()),
                           "allocating a descriptor set");
            std::vector<VkDescriptorBufferInfo> infos;
            for (const Binding& b : l.bindings)
                infos.push_back(b.buffer ? VkDescriptorBufferInfo{b.buffer, b.offset, b.range}
                                         : VkDescriptorBufferInfo{area.buffer, area.offset + b.offset, b.range});
            std::vector<VkWriteDescriptorSet> writes;
            for (size_t i = 0; i < infos.size(); ++i)
                writes.push_back({VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, nullptr, sets_.back(), l.bindings[i].binding, 0,
                                  1, descriptor_type(l.bindings[i].binding), nullptr, &infos[i], nullptr});
            vkUpdateDescriptorSets(context_.device, uint32_t(writes.size()), writes.data(), 0, nullptr);
        }
}

VkCommandBuffer Recording::begin_commands() {
    VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    allocate.commandPool = objects_.commands, allocate.commandBufferCount = 1;
    VkCommandBuffer c;
    context_.check(vkAllocateCommandBuffers(context_.device, &allocate, &c), "allocating a command buffer");
    commands_.push_back(c);
    const VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    context_.check(vkBeginCommandBuffer(c, &info), "recording");
    barrier(c);  // behind whatever was submitted before
    if (objects_.clock && commands_.size() == 1) {
        vkCmdResetQueryPool(c, objects_.clock, 0, 2);
        vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, objects_.clock, 0);
    }
    return c;
}

void Recording::end_commands(bool last) {
    const VkCommandBuffer c = commands_.back();
    if (objects_.clock && last) vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, objects_.clock, 1);
    context_.check(vkEndCommandBuffer(c), "recording");
}

void Recording::record() {
    // Watchdogs end submits that run for seconds: a submit gets dispatches for this long, by the plan's estimate.
    constexpr double longest_submit = 0.25;
    commands_.clear();
    context_.check(vkResetCommandPool(context_.device, objects_.commands, VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT),
                   "resetting a command pool");
    VkCommandBuffer c = begin_commands();
    double filled = 0;
    size_t set = 0;
    for (const Planned& p : planned_)
        for (const Launch& l : p.launches) {
            const VkDescriptorSet descriptors = sets_[set++];
            bool bound = false;
            for (const Range& range : l.ranges) {
                if (filled > 0 && filled + l.seconds > longest_submit)
                    end_commands(false), c = begin_commands(), filled = 0, bound = false;
                if (!bound) {
                    vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, l.program->pipeline());
                    vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, l.program->layout(), 0, 1, &descriptors, 0,
                                            nullptr);
                    bound = true;
                }
                if (l.program->ranged())
                    vkCmdPushConstants(c, l.program->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof range, &range);
                vkCmdDispatch(c, l.groups[0], l.groups[1], l.groups[2]);
                barrier(c);
                filled += l.seconds;
            }
        }
    end_commands(true);
}

}  // namespace rw::vulkan
