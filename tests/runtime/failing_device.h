// The CPU with copies to and from its memory, allocations, and recordings, that fail when they are told to. It counts
// what it runs.
#pragma once

#include "core/device.h"

namespace rw::test {

class FailingDevice : public core::Device {
public:
    /// Calls that still go well; negative: all do.
    int good = -1;
    /// How many fail then; negative: all do.
    int bad = -1;
    /// The same of the recordings that it runs, each of which breaks off behind its last step.
    int good_runs = -1;
    /// The same of recordings that are made.
    int good_records = -1;
    int runs = 0;

    FailingDevice() : cpu_(core::open("cpu")) {}
    const core::DeviceInfo& info() const override { return cpu_->info(); }
    std::shared_ptr<core::Buffer> allocate(uint64_t bytes) override {
        call();
        return std::make_shared<Memory>(*this, cpu_->allocate(bytes));
    }
    std::shared_ptr<core::Buffer> wrap_host(void* memory, uint64_t bytes) override {
        return std::make_shared<Memory>(*this, cpu_->wrap_host(memory, bytes));
    }
    std::vector<const core::Implementation*> implementations(int op) const override { return cpu_->implementations(op); }
    std::unique_ptr<core::Recording> record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch) override {
        if (good_records == 0) throw Error(Status::out_of_memory, "told not to record");
        if (good_records > 0) --good_records;
        return std::make_unique<Recording>(*this, cpu_->record(std::move(steps), std::move(scratch)));
    }
    uint64_t recording_bytes(std::span<const core::Step> steps) const override { return cpu_->recording_bytes(steps); }
    double copy_seconds(core::Buffer&, core::Buffer&, uint64_t) override { return 0; }
    bool needs_selftest() const override { return false; }

private:
    void call() {
        if (good == 0 && bad != 0) {
            if (bad > 0) --bad;
            throw Error(Status::out_of_memory, "told to fail");
        }
        if (good > 0) --good;
    }
    class Memory : public core::Buffer {
    public:
        Memory(FailingDevice& device, std::shared_ptr<core::Buffer> cpu)
            : Buffer(cpu->size()), device_(device), cpu_(std::move(cpu)) {}
        void write(uint64_t offset, const void* source, uint64_t bytes) override {
            device_.call();
            cpu_->write(offset, source, bytes);
        }
        void read(uint64_t offset, void* target, uint64_t bytes) const override {
            device_.call();
            cpu_->read(offset, target, bytes);
        }
        void* host() const override { return cpu_->host(); }
        core::Place place() const override { return cpu_->place(); }

    private:
        FailingDevice& device_;
        std::shared_ptr<core::Buffer> cpu_;
    };

    class Recording : public core::Recording {
    public:
        Recording(FailingDevice& device, std::unique_ptr<core::Recording> cpu)
            : device_(device), cpu_(std::move(cpu)) {}
        void update(size_t step, const ops::Call& call) override { cpu_->update(step, call); }
        void submit() override {
            ++device_.runs;
            cpu_->submit();
        }
        void wait() override {
            cpu_->wait();
            if (device_.good_runs == 0) throw Error(Status::device_lost, "told to break off");
            if (device_.good_runs > 0) --device_.good_runs;
        }
        double seconds() const override { return cpu_->seconds(); }

    private:
        FailingDevice& device_;
        std::unique_ptr<core::Recording> cpu_;
    };

    std::shared_ptr<core::Device> cpu_;
};

}  // namespace rw::test
