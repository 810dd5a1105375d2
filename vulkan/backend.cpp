#include "core/log.h"
#include "core/optional.h"
#include "vulkan/device.h"

namespace rw::vulkan {
namespace {

class VulkanBackend : public core::Backend, public core::Wishful {
public:
    const char* name() const override { return "vulkan"; }

    std::vector<core::DeviceInfo> enumerate(std::string& note) override {
        std::vector<core::DeviceInfo> list;
        try {
            const Instance instance;
            int index = 0;
            for (const VkPhysicalDevice d : instance.devices())
                list.push_back(describe(d, offered(d), "vulkan:" + std::to_string(index++)));
            if (list.empty()) note = "no device that speaks Vulkan 1.1 and computes; install a GPU driver, or Mesa's software device";
        } catch (const Error& e) {
            note = e.what();
        }
        return list;
    }

    std::shared_ptr<core::Device> open(int index) override {
        auto instance = std::make_shared<Instance>();
        const auto devices = instance->devices();
        if (index < 0 || size_t(index) >= devices.size())
            throw Error(Status::not_found, "device 'vulkan:" + std::to_string(index) + "': " +
                                               (devices.empty() ? std::string("there is no Vulkan device")
                                                                : "there are only vulkan:0 to vulkan:" +
                                                                      std::to_string(devices.size() - 1)));
        return std::make_shared<Device>(std::make_shared<Context>(instance, devices[size_t(index)],
                                                                  "vulkan:" + std::to_string(index)));
    }

    std::shared_ptr<core::Device> wrap(const void* handles) override {
        return wrap_device(read_handles(*static_cast<const rw_vulkan_handles*>(handles)));
    }

    core::Wishes wishes(void* physical_device) override {
        const auto device = static_cast<VkPhysicalDevice>(physical_device);
        const auto chain = std::make_shared<FeatureChain>(device, offered(device));
        return {chain->extensions(), chain->chain(), chain};
    }
};

}  // namespace

std::unique_ptr<core::Backend> make_backend() { return std::make_unique<VulkanBackend>(); }

}  // namespace rw::vulkan
