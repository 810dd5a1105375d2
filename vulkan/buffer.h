// Device memory: raw allocations, and core::Buffer on top of them.
#pragma once

#include "vulkan/context.h"

namespace rw::vulkan {

/// A VkBuffer with memory of its own.
class Memory {
public:
    enum class Use {
        device,  // kernels' data; host-visible only where that costs nothing
        small,   // kernels' data of a few words (positions, slots, lengths): always mapped, so that a write is a copy
        host,    // staging, parameters, fault words: always mapped
    };
    Memory(Context& context, uint64_t bytes, Use use);
    ~Memory();
    Memory(const Memory&) = delete;
    VkBuffer handle() const { return buffer_; }
    void* mapped() const { return mapped_; }  // null when the host cannot see it
    uint64_t size() const { return size_; }

private:
    void release();
    VkDevice device_;
    VkBuffer buffer_ = VK_NULL_HANDLE;
    VkDeviceMemory memory_ = VK_NULL_HANDLE;
    void* mapped_ = nullptr;
    uint64_t size_;
    core::Taken taken_;
};

class Buffer : public core::Buffer {
public:
    /// Up to here buffers are Memory::Use::small.
    static constexpr uint64_t small = 4096;
    Buffer(std::shared_ptr<Context> context, uint64_t bytes);
    Buffer(std::shared_ptr<Context> context, VkBuffer foreign, uint64_t offset, uint64_t bytes);
    void write(uint64_t offset, const void* source, uint64_t bytes) override;
    void read(uint64_t offset, void* target, uint64_t bytes) const override;
    void* host() const override { return memory_ ? memory_->mapped() : nullptr; }
    core::Place place() const override { return {(const void*)handle_, base_}; }

    VkBuffer handle() const { return handle_; }
    /// Where this buffer begins in its VkBuffer, and how far kernels may read past its end (whole words).
    uint64_t base() const { return base_; }
    uint64_t padded_size() const { return memory_ ? memory_->size() : size_; }
    /// Device address of the first byte; 0 without the feature.
    uint64_t address() const { return address_; }
    const Context& context() const { return *context_; }

private:
    void inside(uint64_t offset, uint64_t bytes) const;
    void find_address();
    std::shared_ptr<Context> context_;
    std::unique_ptr<Memory> memory_;  // null when wrapped
    VkBuffer handle_;
    uint64_t base_ = 0, address_ = 0;
};

}  // namespace rw::vulkan
