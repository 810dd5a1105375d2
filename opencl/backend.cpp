#include "opencl/describe.h"
#include "opencl/device.h"
#include "opencl/wrap.h"

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

private:
    static std::string id(size_t index) { return "opencl:" + std::to_string(index); }
};

}  // namespace

std::unique_ptr<core::Backend> make_backend() { return std::make_unique<Backend>(); }

std::shared_ptr<core::Device> wrap_device(const Handles& h) {
    if (!h.context || !h.device || !h.queue)
        throw Error(Status::invalid_argument, "opencl: wrapping needs a cl_context, a cl_device_id and a cl_command_queue");
    cl_context of_queue = nullptr;
    cl_device_id device_of_queue = nullptr;
    clGetCommandQueueInfo(h.queue, CL_QUEUE_CONTEXT, sizeof of_queue, &of_queue, nullptr);
    clGetCommandQueueInfo(h.queue, CL_QUEUE_DEVICE, sizeof device_of_queue, &device_of_queue, nullptr);
    if (of_queue != h.context || device_of_queue != h.device)
        throw Error(Status::invalid_argument, "opencl: the queue belongs to another context or device than the ones given");
    return std::make_shared<Device>(
        std::make_shared<Context>(h.context, h.device, h.queue, describe(h.device, "opencl:wrapped")));
}

std::shared_ptr<core::Buffer> wrap_buffer(core::Device& device, cl_mem memory, uint64_t offset, uint64_t size) {
    auto* mine = dynamic_cast<Device*>(&device);
    if (!mine) throw Error(Status::invalid_argument, device.info().id + ": a cl_mem needs an OpenCL device");
    size_t bytes = 0;
    cl_context context = nullptr;
    if (!memory || clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof bytes, &bytes, nullptr) != CL_SUCCESS ||
        clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof context, &context, nullptr) != CL_SUCCESS ||
        context != mine->context().get())
        throw Error(Status::invalid_argument, device.info().id + ": not a cl_mem of this device's context");
    if (offset > bytes || size > bytes - offset)
        throw Error(Status::invalid_argument, device.info().id + ": bytes " + std::to_string(offset) + " + " +
                                                  std::to_string(size) + " are past the end of a cl_mem of " +
                                                  std::to_string(bytes));
    if (offset % 16)  // kernels choose vector loads by the tensors' own offsets
        throw Error(Status::invalid_argument, device.info().id + ": a cl_mem is wrapped from a multiple of 16 bytes on; "
                                                                 "put the rest into the tensor's offset");
    return std::make_shared<Buffer>(mine->context_ptr(), memory, offset, size);
}

}  // namespace rw::opencl
