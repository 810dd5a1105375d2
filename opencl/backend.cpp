#include "opencl/describe.h"
#include "opencl/device.h"
#include "rewind/rewind.h"

namespace rw::opencl {
namespace {

class Backend : public core::Backend {
public:
    const char* name() const override { return "opencl"; }

    std::vector<core::DeviceInfo> enumerate(std::string& note) override {
        std::vector<core::DeviceInfo> infos;
        for (cl_device_id device : list_devices(note)) infos.push_back(describe(device, id(infos.size())));
        return infos;
    }

    std::shared_ptr<core::Device> open(int index) override {
        std::string note;
        const std::vector<cl_device_id> devices = list_devices(note);
        if (size_t(index) >= devices.size())
            throw Error(Status::not_found, "device '" + id(size_t(index)) + "': " +
                                               (devices.empty() ? note : "there are " + std::to_string(devices.size())));
        const cl_device_id device = devices[size_t(index)];
        return std::make_shared<Device>(std::make_shared<Context>(device, describe(device, id(size_t(index)))));
    }

    /// The engine's objects are retained while in use, and never destroyed or changed. Any kind of queue will do.
    std::shared_ptr<core::Device> wrap(const void* handles) override {
        const auto& h = *static_cast<const rw_opencl_handles*>(handles);
        const auto context = static_cast<cl_context>(h.context);
        const auto device = static_cast<cl_device_id>(h.device);
        const auto queue = static_cast<cl_command_queue>(h.queue);
        if (!context || !device || !queue)
            throw Error(Status::invalid_argument, "opencl: wrapping needs a cl_context, a cl_device_id and a cl_command_queue");
        cl_context of_queue = nullptr;
        cl_device_id device_of_queue = nullptr;
        clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof of_queue, &of_queue, nullptr);
        clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device_of_queue, &device_of_queue, nullptr);
        if (of_queue != context || device_of_queue != device)
            throw Error(Status::invalid_argument, "opencl: the queue belongs to another context or device than those given");
        return std::make_shared<Device>(
            std::make_shared<Context>(context, device, queue, describe(device, "opencl:wrapped")));
    }

private:
    static std::string id(size_t index) { return "opencl:" + std::to_string(index); }
};

}  // namespace

std::unique_ptr<core::Backend> make_backend() { return std::make_unique<Backend>(); }

}  // namespace rw::opencl
