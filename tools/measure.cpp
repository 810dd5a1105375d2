#include "tools/measure.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "reference/reference.h"

namespace rw::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr uint64_t seed = 1;

double median(std::vector<double> x) {
    std::nth_element(x.begin(), x.begin() + std::ptrdiff_t(x.size() / 2), x.end());
    return x[x.size() / 2];
}

/// More than the host's caches hold, within an eighth of the device's memory.
uint64_t beyond_caches(const core::DeviceInfo& info) {
    const long level3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    const uint64_t wanted = std::max<uint64_t>(256u << 20, std::min<uint64_t>(1u << 30, 4 * uint64_t(std::max(level3, 0L))));
    return info.memory ? std::min(wanted, info.memory / 8) : wanted;
}

}  // namespace

ops::Example Job::example() const {
    const ops::Dims dims(words);
    ops::Example example = op->example(dims);
    dims.all_read();
    return example;
}

Truth truth(const Job& job) {
    const auto cpu = core::open("cpu");
    const core::Sample sample(*cpu, *job.op, job.example(), seed);
    ops::validate(*job.op, sample.call());
    reference::Run run{sample.call(), {}, {}};
    for (size_t i = 0; i < job.op->args.size(); ++i)
        run.value.push_back(sample.call().arg[i] ? sample.read(int(i)) : std::vector<double>{});
    reference::run(run);
    return {std::move(run.value), std::move(run.written)};
}

double error_of(core::Device& device, const Job& job, const std::string& implementation, const Truth& truth) {
    const core::Sample sample(device, *job.op, job.example(), seed);
    core::Plan plan(device.shared_from_this());
    plan.add(sample.call(), implementation);
    plan.run();
    double worst = 0;
    for (size_t i = 0; i < job.op->args.size(); ++i) {
        if (!job.op->args[i].written() || !sample.call().arg[i]) continue;
        const std::vector<double> all = sample.read(int(i));
        std::vector<double> got, want;
        for (size_t e = 0; e < all.size(); ++e)
            if (truth.written[i][e]) got.push_back(all[e]), want.push_back(truth.value[i][e]);
        if (!want.empty()) worst = std::max(worst, core::nmse(got, want));
    }
    return worst;
}

/// The plan of one set of buffers. The first set is the sample's own.
struct Bench::Copy {
    explicit Copy(core::Device& device) : plan(device.shared_from_this()) {}
    core::Plan plan;
    std::vector<std::shared_ptr<core::Buffer>> buffers;
};

Bench::Bench(core::Device& device, const Job& job, const std::string& implementation, bool cold)
    : sample_(std::make_unique<core::Sample>(device, *job.op, job.example(), seed)) {
    const ops::Call& first = sample_->call();
    uint64_t bytes = 0;
    std::map<core::Buffer*, std::vector<std::byte>> images;
    for (const Tensor& t : first.arg)
        if (t && !images.count(t.buffer)) {
            std::vector<std::byte>& image = images[t.buffer];
            image.resize(t.buffer->size()), bytes += image.size();
            if (cold) t.buffer->read(0, image.data(), image.size());
        }
    const uint64_t count = cold ? std::clamp<uint64_t>(beyond_caches(device.info()) / bytes + 1, 2, 4096) : 1;
    for (uint64_t i = 0; i < count; ++i) {
        auto copy = std::make_unique<Copy>(device);
        ops::Call call = first;
        std::map<core::Buffer*, core::Buffer*> moved;
        for (Tensor& t : call.arg) {
            if (!t || i == 0) continue;
            if (!moved.count(t.buffer)) {
                const std::vector<std::byte>& image = images[t.buffer];
                copy->buffers.push_back(device.allocate(image.size()));
                copy->buffers.back()->write(0, image.data(), image.size());
                moved[t.buffer] = copy->buffers.back().get();
            }
            t.buffer = moved[t.buffer];
        }
        copy->plan.add(call, implementation);
        copies_.push_back(std::move(copy));
    }
}

Bench::~Bench() = default;

const std::string& Bench::implementation() const { return copies_[0]->plan.implementation(0); }
ops::Cost Bench::cost() const { return ops::all()[size_t(sample_->call().op)].cost(sample_->call()); }
int Bench::copies() const { return int(copies_.size()); }

double Bench::run() {
    core::Plan& plan = copies_[next_]->plan;
    next_ = (next_ + 1) % copies_.size();
    plan.run();
    return plan.seconds();
}

Timing Bench::measure(const Effort& effort) {
    // Warm-up: every copy once, so that recording and first-touch costs are paid, bounded for slow devices.
    const auto begun = Clock::now();
    for (size_t i = 0; i < copies_.size(); ++i) {
        run();
        if (std::chrono::duration<double>(Clock::now() - begun).count() > 4 * effort.seconds) break;
    }
    std::vector<double> device, wall;
    double spent = 0;
    while (int(device.size()) < effort.least || (spent < effort.seconds && int(device.size()) < effort.most)) {
        const auto start = Clock::now();
        device.push_back(run());
        wall.push_back(std::chrono::duration<double>(Clock::now() - start).count());
        spent += wall.back();
    }
    return {median(device), *std::min_element(device.begin(), device.end()), median(wall), int(device.size())};
}

double copy_peak(core::Device& device) {
    const core::DeviceInfo& info = device.info();
    uint64_t bytes = beyond_caches(info);
    if (info.max_allocation) bytes = std::min(bytes, info.max_allocation);
    bytes = bytes / 64 * 64;
    const auto source = device.allocate(bytes), target = device.allocate(bytes);
    const std::vector<std::byte> zeros(1 << 20);
    for (uint64_t at = 0; at < bytes; at += zeros.size()) {  // a page never written may not be memory yet
        source->write(at, zeros.data(), std::min<uint64_t>(zeros.size(), bytes - at));
        target->write(at, zeros.data(), std::min<uint64_t>(zeros.size(), bytes - at));
    }
    double best = device.copy_seconds(*source, *target, bytes);
    for (int i = 0; i < 4; ++i) best = std::min(best, device.copy_seconds(*source, *target, bytes));
    return 2 * double(bytes) / best;
}

}  // namespace rw::tools
