#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "cpu/cpu.h"
#include "cpu/parallel.h"

namespace rw::cpu {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Free {
    void operator()(void* p) const { std::free(p); }
};

class HostBuffer : public core::Buffer {
public:
    HostBuffer(std::shared_ptr<core::Meter> meter, uint64_t size) : Buffer(size) {
        // Vector loads of a row's tail may not cross into an unmapped page: round up to whole cache lines.
        const uint64_t whole = (size + 127) / 64 * 64;
        owned_.reset(size <= SIZE_MAX - 127 ? std::aligned_alloc(64, whole) : nullptr);
        if (!owned_) throw Error(Status::out_of_memory, "cpu: no memory for " + std::to_string(size) + " bytes");
        data_ = owned_.get();
        taken_ = core::Taken(std::move(meter), whole);
    }
    HostBuffer(void* memory, uint64_t size) : Buffer(size), data_(memory) {}
    void write(uint64_t offset, const void* source, uint64_t bytes) override {
        std::memcpy(at(offset, bytes), source, bytes);
    }
    void read(uint64_t offset, void* target, uint64_t bytes) const override {
        std::memcpy(target, at(offset, bytes), bytes);
    }
    void* host() const override { return data_; }
    core::Place place() const override { return {nullptr, reinterpret_cast<uintptr_t>(data_)}; }  // any host memory

private:
    std::byte* at(uint64_t offset, uint64_t bytes) const {
        if (offset > size_ || bytes > size_ - offset)
            throw Error(Status::invalid_argument, "cpu: bytes " + std::to_string(offset) + " + " + std::to_string(bytes) +
                                                      " are past the end of a buffer of " + std::to_string(size_));
        return static_cast<std::byte*>(data_) + offset;
    }
    std::unique_ptr<void, Free> owned_;
    void* data_;
    core::Taken taken_;
};

class CpuImplementation : public core::Implementation {
public:
    explicit CpuImplementation(Kernel kernel) : kernel(std::move(kernel)) {}
    const std::string& name() const override { return kernel.name; }
    std::string decline(const ops::Call& call) const override { return kernel.decline ? kernel.decline(call) : ""; }
    uint64_t scratch(const ops::Call& call) const override {
        if (!kernel.scratch) return 0;
        const ops::Op& op = ops::all()[size_t(call.op)];
        std::vector<std::byte> params(op.params_size);
        op.fill_params(call, params.data());
        return kernel.scratch(params.data());
    }
    const Kernel kernel;
};

class CpuRecording : public core::Recording {
public:
    CpuRecording(std::shared_ptr<core::Meter> meter, const std::vector<core::Step>& steps,
                 std::shared_ptr<core::Buffer> scratch)
        : meter_(std::move(meter)), given_(std::move(scratch)), taken_(meter_, bytes(steps)) {
        if (given_) scratch_ = static_cast<std::byte*>(given_->host()), scratch_bytes_ = given_->size();
        bound_.reserve(steps.size());
        for (const core::Step& s : steps) {
            Bound b;
            b.kernel = &static_cast<const CpuImplementation*>(s.implementation)->kernel;
            bound_.push_back(std::move(b));
            update(bound_.size() - 1, s.call);
        }
    }
    /// The device's memory being the host's, this counts what a plan keeps of its calls too.
    static uint64_t bytes(std::span<const core::Step> steps) {
        uint64_t sum = 0;
        for (const core::Step& s : steps)
            sum += sizeof s + s.call.arg.size() * (sizeof(Tensor) + sizeof(void*)) + s.call.attr.size() * sizeof s.call.attr[0] +
                   sizeof(Bound) + ops::all()[size_t(s.call.op)].params_size;
        return sum;
    }
    void update(size_t step, const ops::Call& call) override {
        Bound b{bound_.at(step).kernel, {}, {}};
        const ops::Op& op = ops::all()[size_t(call.op)];
        b.params.resize(op.params_size);
        op.fill_params(call, b.params.data());
        b.arg.reserve(call.arg.size());
        for (const Tensor& t : call.arg)
            b.arg.push_back(t ? static_cast<std::byte*>(t.buffer->host()) + t.offset : nullptr);
        const size_t scratch = b.kernel->scratch ? b.kernel->scratch(b.params.data()) : 0;
        if (scratch > scratch_bytes_) {
            auto more = std::make_unique<HostBuffer>(meter_, scratch);
            scratch_ = static_cast<std::byte*>(more->host()), scratch_bytes_ = scratch;
            own_ = std::move(more), given_.reset();
        }
        bound_[step] = std::move(b);
    }
    void submit() override {
        const auto start = Clock::now();
        for (const Bound& b : bound_)
            b.kernel->run({b.params.data(), b.arg.data(), &fault_, scratch_});
        seconds_ = since(start);
    }
    void wait() override {
        if (const uint32_t bits = fault_.exchange(0)) core::throw_fault(bits);
    }
    double seconds() const override { return seconds_; }

private:
    struct Bound {
        const Kernel* kernel;
        std::vector<std::byte> params;
        std::vector<void*> arg;
    };
    std::shared_ptr<core::Meter> meter_;
    std::shared_ptr<core::Buffer> given_;
    std::unique_ptr<HostBuffer> own_;  // where too little was given
    std::byte* scratch_ = nullptr;
    uint64_t scratch_bytes_ = 0;
    std::vector<Bound> bound_;
    core::Taken taken_;
    std::atomic<uint32_t> fault_{0};
    double seconds_ = 0;
};

core::DeviceInfo describe() {
    core::DeviceInfo info;
    info.id = "cpu:0", info.name = "CPU";
    std::ifstream cpuinfo("/proc/cpuinfo");
    for (std::string line; std::getline(cpuinfo, line);)
        if (line.starts_with("model name")) {
            info.name = line.substr(std::min(line.find(": ") + 2, line.size()));
            break;
        }
    info.driver = std::to_string(threads()) + " threads";
    std::ifstream meminfo("/proc/meminfo");
    uint64_t kib = 0;
    for (std::string key, unit; meminfo >> key >> kib >> unit;)
        if (key == "MemTotal:") info.memory = kib << 10;
    info.max_allocation = info.memory;
    info.facts = {{"threads", threads()}};
    return info;
}

class CpuDevice : public core::Device {
public:
    CpuDevice() : info_(describe()) {
        for (const ops::Op& op : ops::all()) {
            auto& list = implementations_.emplace_back();
            for (Kernel& k : kernels(op.id)) list.push_back(std::make_unique<CpuImplementation>(std::move(k)));
        }
    }
    const core::DeviceInfo& info() const override { return info_; }
    std::shared_ptr<core::Buffer> allocate(uint64_t bytes) override {
        return std::make_shared<HostBuffer>(meter_, bytes);
    }
    std::shared_ptr<core::Buffer> wrap_host(void* memory, uint64_t bytes) override {
        if (reinterpret_cast<uintptr_t>(memory) % 4)  // a tensor's own offset is held against its type later
            throw Error(Status::invalid_argument, "cpu: host memory is wrapped from a multiple of 4 bytes on; this pointer is " +
                                                      std::to_string(reinterpret_cast<uintptr_t>(memory) % 4) + " past one");
        return std::make_shared<HostBuffer>(memory, bytes);
    }
    std::vector<const core::Implementation*> implementations(int op) const override {
        std::vector<const core::Implementation*> list;
        for (const auto& i : implementations_.at(size_t(op))) list.push_back(i.get());
        return list;
    }
    std::unique_ptr<core::Recording> record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch) override {
        return std::make_unique<CpuRecording>(meter_, steps, std::move(scratch));
    }
    uint64_t recording_bytes(std::span<const core::Step> steps) const override { return CpuRecording::bytes(steps); }
    double copy_seconds(core::Buffer& source, core::Buffer& target, uint64_t bytes) override {
        const auto start = Clock::now();
        const int64_t n = 8 * int64_t(threads());  // slices: one that comes late should not cost half the speed
        for_units(n, [&](int64_t i) {
            const uint64_t a = bytes * uint64_t(i) / uint64_t(n), b = bytes * uint64_t(i + 1) / uint64_t(n);
            std::memcpy(static_cast<std::byte*>(target.host()) + a, static_cast<std::byte*>(source.host()) + a, b - a);
        });
        return since(start);
    }
    bool needs_selftest() const override { return false; }

private:
    core::DeviceInfo info_;
    std::vector<std::vector<std::unique_ptr<CpuImplementation>>> implementations_;
};

class CpuBackend : public core::Backend {
public:
    const char* name() const override { return "cpu"; }
    std::vector<core::DeviceInfo> enumerate(std::string&) override { return {describe()}; }
    std::shared_ptr<core::Device> open(int index) override {
        if (index != 0) throw Error(Status::not_found, "device 'cpu:" + std::to_string(index) + "': there is only cpu:0");
        return std::make_shared<CpuDevice>();
    }
};

}  // namespace

int threads() {
    if (omp_get_active_level() >= omp_get_max_active_levels()) return 1;  // called from a team of the program's own
    return std::max(1, std::min(omp_get_max_threads(), omp_get_thread_limit()));
}

#if defined(__x86_64__)
FlushDenormals::FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }  // FTZ and DAZ
FlushDenormals::~FlushDenormals() { _mm_setcsr(saved_); }
#elif defined(__aarch64__)
namespace {
uint64_t mode() {
    uint64_t fpcr;
    asm volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}
void set_mode(uint64_t fpcr) { asm volatile("msr fpcr, %0" : : "r"(fpcr)); }
}  // namespace
FlushDenormals::FlushDenormals() : saved_(unsigned(mode())) { set_mode(saved_ | 1u << 24); }  // FZ: inputs and results
FlushDenormals::~FlushDenormals() { set_mode(saved_); }
#else
FlushDenormals::FlushDenormals() : saved_(0) {}
FlushDenormals::~FlushDenormals() {}
#endif

std::unique_ptr<core::Backend> make_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace rw::cpu
