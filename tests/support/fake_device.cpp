#include "tests/support/fake_device.h"

#include <cstring>
#include <limits>
#include <utility>

#include "core/convert.h"
#include "reference/reference.h"

namespace rw::test {
namespace {

class HostBuffer : public core::Buffer {
public:
    explicit HostBuffer(uint64_t bytes) : Buffer(bytes), memory(bytes) {}
    void write(uint64_t offset, const void* source, uint64_t bytes) override {
        std::memcpy(memory.data() + offset, source, bytes);
    }
    void read(uint64_t offset, void* target, uint64_t bytes) const override {
        std::memcpy(target, memory.data() + offset, bytes);
    }
    void* host() const override { return const_cast<std::byte*>(memory.data()); }
    std::vector<std::byte> memory;
};

class FakeRecording : public core::Recording {
public:
    explicit FakeRecording(std::vector<core::Step> steps) : steps_(std::move(steps)) {}
    void update(size_t step, const ops::Call& call) override { steps_.at(step).call = call; }
    void submit() override {
        for (const core::Step& s : steps_) {
            std::vector<std::byte*> args;
            for (const Tensor& t : s.call.arg)
                args.push_back(t ? static_cast<std::byte*>(t.buffer->host()) + t.offset : nullptr);
            fault_ |= static_cast<const FakeImplementation*>(s.implementation)->kernel(s.call, args);
        }
    }
    void wait() override {
        if (const uint32_t bits = std::exchange(fault_, 0)) core::throw_fault(bits);
    }
    double seconds() const override { return 0; }

private:
    std::vector<core::Step> steps_;
    uint32_t fault_ = 0;
};

}  // namespace

uint32_t definition(const ops::Call& call, const std::vector<std::byte*>& args) {
    reference::Run run{call, {}, {}, 0};
    for (size_t i = 0; i < args.size(); ++i)
        run.value.push_back(args[i] ? core::gather(call.arg[i], args[i]) : std::vector<double>());
    reference::run(run);
    for (size_t i = 0; i < args.size(); ++i) {  // written elements only: the others keep their bits
        if (run.written[i].empty()) continue;
        size_t e = 0;
        const Tensor& t = call.arg[i];
        for (int64_t d = 0; d < t.ne[3]; ++d)
            for (int64_t c = 0; c < t.ne[2]; ++c)
                for (int64_t b = 0; b < t.ne[1]; ++b)
                    for (int64_t a = 0; a < t.ne[0]; ++a, ++e)
                        if (run.written[i][e])
                            core::store(args[i] + a * t.nb[0] + b * t.nb[1] + c * t.nb[2] + d * t.nb[3], t.type,
                                        run.value[i][e]);
    }
    return run.fault;
}

uint32_t honest(const ops::Call& call, const std::vector<std::byte*>&) {
    static const std::shared_ptr<core::Device> cpu = core::open("cpu");
    const auto recording = cpu->record({{call, cpu->implementations(call.op).back()}}, nullptr);
    recording->submit(), recording->wait();
    return 0;
}

FakeDevice::FakeDevice(const std::string& name) {
    info_.id = name + ":0", info_.name = "a fake called " + name, info_.driver = "none";
    info_.memory = info_.max_allocation = std::numeric_limits<int64_t>::max();
}

FakeImplementation& FakeDevice::add(const std::string& name, Kernel kernel, const std::string& refusal) {
    return add(name, std::move(kernel), [refusal](const ops::Call&) { return refusal; });
}

FakeImplementation& FakeDevice::add(const std::string& name, Kernel kernel, Refusal refusal) {
    return *implementations_.emplace_back(std::make_unique<FakeImplementation>(name, std::move(kernel), std::move(refusal)));
}

std::shared_ptr<core::Buffer> FakeDevice::allocate(uint64_t bytes) { return std::make_shared<HostBuffer>(bytes); }

std::vector<const core::Implementation*> FakeDevice::implementations(int) const {
    std::vector<const core::Implementation*> list;
    for (const auto& i : implementations_) list.push_back(i.get());
    return list;
}

std::unique_ptr<core::Recording> FakeDevice::record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer>) {
    return std::make_unique<FakeRecording>(std::move(steps));
}

}  // namespace rw::test
