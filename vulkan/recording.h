// Steps as command buffers. What changes between replays lives in a parameter block, so that update() usually writes
// a few hundred bytes; commands are recorded again only when a grid, a pipeline or a binding changes.
#pragma once

#include "vulkan/device.h"

namespace rw::vulkan {

class Recording : public core::Recording {
public:
    /// scratch: see core::Device::record.
    Recording(std::shared_ptr<Device> device, std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch);
    ~Recording() override;
    void update(size_t step, const ops::Call& call) override;
    void submit() override;
    void wait() override;
    double seconds() const override { return seconds_; }

    /// The fault word, then one parameter block a step.
    struct Blocks {
        Blocks(const Context& context, std::span<const core::Step> steps);
        uint64_t first, stride, bytes;
    };

private:
    struct Binding {
        uint32_t binding;
        VkBuffer buffer;  // null: the scratch area
        uint64_t offset, range;
        bool operator==(const Binding&) const = default;
    };
    struct Launch {  // one pass: its dispatches differ in their token range only
        std::shared_ptr<Program> program;
        std::vector<Binding> bindings;
        std::array<uint32_t, 3> groups;
        std::vector<Range> ranges;
        double seconds = 0;  // estimate for one dispatch
        bool same(const Launch& o) const {
            return program == o.program && bindings == o.bindings && groups == o.groups && ranges == o.ranges;
        }
    };
    struct Planned {
        std::vector<Launch> launches;
        std::vector<std::byte> block;  // what binding 0 shows
        uint64_t scratch = 0;          // bytes
        bool same(const Planned& o) const;
    };
    /// Vulkan objects of this recording, released together.
    struct Objects {
        VkDevice device;
        VkCommandPool commands = VK_NULL_HANDLE;
        VkDescriptorPool sets = VK_NULL_HANDLE;
        VkQueryPool clock = VK_NULL_HANDLE;
        ~Objects();
    };

    Planned plan(size_t step, const ops::Call& call) const;
    Binding bind(uint32_t binding, const Tensor& tensor, uint32_t* arg) const;
    /// Where the scratch area begins.
    VkDescriptorBufferInfo scratch() const;
    void prepare();
    void write_sets();
    void record();
    VkCommandBuffer begin_commands();
    void end_commands(bool last);

    std::shared_ptr<Device> device_;
    Context& context_;
    std::vector<core::Step> steps_;
    const Blocks layout_;
    std::unique_ptr<Memory> blocks_;
    // Scratch is shared by all steps: barriers stand between them.
    std::shared_ptr<core::Buffer> given_scratch_;
    std::unique_ptr<Memory> own_scratch_;  // where too little was given
    std::vector<Planned> planned_;
    Objects objects_;
    std::vector<VkDescriptorSet> sets_;  // one a launch
    std::vector<VkCommandBuffer> commands_;
    bool stale_ = true;  // commands have to be recorded before the next submit
    Queue::Ticket in_flight_;  // empty: nothing is
    uint32_t fault_ = 0;
    double started_ = 0, seconds_ = 0;
};

}  // namespace rw::vulkan
