#include "vulkan/wrap.h"

#include "vulkan/device.h"

namespace rw::vulkan {
namespace {

Device& ours(core::Device& device) {
    auto* d = dynamic_cast<Device*>(&device);
    if (!d) throw Error(Status::invalid_argument, device.info().id + " is not a Vulkan device");
    return *d;
}

}  // namespace

std::shared_ptr<core::Device> wrap_device(const Handles& h) {
    if (!h.instance || !h.physical || !h.device || !h.queue)
        throw Error(Status::invalid_argument, "vulkan: instance, physical device, device and queue are all needed to wrap");
    if (bool(h.lock) != bool(h.unlock))
        throw Error(Status::invalid_argument, "vulkan: give both lock and unlock for the queue, or neither");
    return std::make_shared<Device>(std::make_shared<Context>(h));
}

std::shared_ptr<core::Buffer> wrap_buffer(core::Device& device, VkBuffer buffer, uint64_t offset, uint64_t bytes) {
    return std::make_shared<Buffer>(ours(device).context(), buffer, offset, bytes);
}

uint64_t validation_errors(const core::Device& device) {
    return ours(const_cast<core::Device&>(device)).context()->instance->validation_errors();
}

void pretend_lost(core::Device& device) { ours(device).context()->lose(); }

}  // namespace rw::vulkan
