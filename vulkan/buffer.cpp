#include "vulkan/buffer.h"

#include <cstring>

namespace rw::vulkan {

Memory::Memory(Context& context, uint64_t bytes, Use use)
    : device_(context.device), size_((std::max<uint64_t>(bytes, 1) + 15) / 16 * 16) {
    context.alive();
    const std::string what = "allocating " + std::to_string(bytes) + " bytes";
    if (bytes > context.info.max_allocation)
        throw Error(Status::out_of_memory, "vulkan: " + what + ": " + context.info.id + " allows " +
                                               std::to_string(context.info.max_allocation) + " in one buffer");
    VkBufferCreateInfo create{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    create.size = size_;
    create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    if (use == Use::host) create.usage |= VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT;  // parameter blocks
    const bool address = context.features.device_address && use != Use::host;
    if (address) create.usage |= VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
    try {
        context.check(vkCreateBuffer(device_, &create, nullptr, &buffer_), what);
        VkMemoryRequirements needs;
        vkGetBufferMemoryRequirements(device_, buffer_, &needs);
        constexpr VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                                        host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
        int type = -1;
        const bool mapped = use != Use::device || context.unified();
        if (use != Use::host) type = context.memory_type(needs.memoryTypeBits, mapped ? local | host : local);
        if (type < 0) type = context.memory_type(needs.memoryTypeBits, use == Use::device ? 0 : host);
        if (type < 0) throw Error(Status::out_of_memory, "vulkan: " + what + ": no kind of memory for it");
        const VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, nullptr,
                                              VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT, 0};
        const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, address ? &flags : nullptr, needs.size,
                                            uint32_t(type)};
        context.check(vkAllocateMemory(device_, &allocate, nullptr, &memory_), what);
        context.check(vkBindBufferMemory(device_, buffer_, memory_, 0), what);
        if (mapped)
            context.check(vkMapMemory(device_, memory_, 0, VK_WHOLE_SIZE, 0, &mapped_), "mapping memory");
        taken_ = core::Taken(context.meter, needs.size);
    } catch (...) {
        release();
        throw;
    }
}

Memory::~Memory() { release(); }

void Memory::release() {
    vkDestroyBuffer(device_, buffer_, nullptr);
    vkFreeMemory(device_, memory_, nullptr);
}

Buffer::Buffer(std::shared_ptr<Context> context, uint64_t bytes)
    : core::Buffer(bytes), context_(std::move(context)),
      memory_(std::make_unique<Memory>(*context_, bytes, bytes <= small ? Memory::Use::small : Memory::Use::device)),
      handle_(memory_->handle()) {
    find_address();
}

Buffer::Buffer(std::shared_ptr<Context> context, VkBuffer foreign, uint64_t offset, uint64_t bytes)
    : core::Buffer(bytes), context_(std::move(context)), handle_(foreign), base_(offset) {
    const uint64_t align = std::max<uint64_t>(16, context_->limits.minStorageBufferOffsetAlignment);
    if (!foreign) throw Error(Status::invalid_argument, "vulkan: the VkBuffer to wrap is null");
    if (offset % align)
        throw Error(Status::invalid_argument, "vulkan: a wrapped buffer has to begin at a multiple of " +
                                                  std::to_string(align) + " bytes; got " + std::to_string(offset));
    context_->alive();
    VkMemoryRequirements needs;  // of the buffer with its alignment: as much as Vulkan tells about its size
    vkGetBufferMemoryRequirements(context_->device, foreign, &needs);
    if (bytes == 0 || offset > needs.size || bytes > needs.size - offset)
        throw Error(Status::invalid_argument, "vulkan: bytes " + std::to_string(offset) + " + " + std::to_string(bytes) +
                                                  " are not inside a VkBuffer of " + std::to_string(needs.size));
    find_address();
}

void Buffer::find_address() {
    if (!context_->features.device_address) return;
    const VkBufferDeviceAddressInfo info{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, nullptr, handle_};
    // The loader exports the core name only where the device speaks 1.2; ask the device itself.
    auto get = reinterpret_cast<PFN_vkGetBufferDeviceAddress>(
        vkGetDeviceProcAddr(context_->device, "vkGetBufferDeviceAddress"));
    if (!get)
        get = reinterpret_cast<PFN_vkGetBufferDeviceAddress>(
            vkGetDeviceProcAddr(context_->device, "vkGetBufferDeviceAddressKHR"));
    if (get) address_ = get(context_->device, &info) + base_;
}

void Buffer::inside(uint64_t offset, uint64_t bytes) const {
    context_->alive();
    if (offset > size_ || bytes > size_ - offset)
        throw Error(Status::invalid_argument, "vulkan: bytes " + std::to_string(offset) + " + " + std::to_string(bytes) +
                                                  " are past the end of a buffer of " + std::to_string(size_));
}

void Buffer::write(uint64_t offset, const void* source, uint64_t bytes) {
    inside(offset, bytes);
    if (!bytes) return;
    context_->check(context_->queue->finish(), "waiting before a write");
    if (host()) std::memcpy(static_cast<std::byte*>(host()) + offset, source, bytes);
    else context_->upload(handle_, base_ + offset, source, bytes);
}

void Buffer::read(uint64_t offset, void* target, uint64_t bytes) const {
    inside(offset, bytes);
    if (!bytes) return;
    context_->check(context_->queue->finish(), "waiting before a read");
    if (host()) std::memcpy(target, static_cast<std::byte*>(host()) + offset, bytes);
    else context_->download(handle_, base_ + offset, target, bytes);
}

}  // namespace rw::vulkan
