// Steps as OpenCL kernels with their arguments set once; submit() only enqueues.
#pragma once

#include <chrono>

#include "opencl/device.h"

namespace rw::opencl {

class Recording : public core::Recording {
public:
    /// scratch: see core::Device::record.
    Recording(std::shared_ptr<Device> device, const std::vector<core::Step>& steps, std::shared_ptr<core::Buffer> scratch);
    ~Recording() override;

    void update(size_t step, const ops::Call& call) override;
    void submit() override;
    void wait() override;
    double seconds() const override { return seconds_; }

    /// Of device memory, scratch apart.
    static uint64_t bytes(const Context& context, std::span<const core::Step> steps);

private:
    /// One pass of a step: a kernel and its work, in pieces of `split` tokens.
    struct Launch {
        std::string name;
        KernelHandle kernel;
        size_t local[3] = {1, 1, 1}, global[3] = {1, 1, 1};
        cl_uint tokens_arg = 0;  // t0; t1 follows
        int tokens = 0, split = 0;
        bool skipped = false;
    };
    struct Bound {
        const Implementation* implementation = nullptr;
        std::vector<std::pair<std::string, int64_t>> specialisation;
        std::vector<cl_mem> memory;        // of the arguments, null when absent
        std::vector<std::byte> block;      // what the kernels read: rw.clh
        std::vector<uint64_t> scratch;     // where its pieces begin in the scratch area, and last where they end
        std::vector<MemHandle> pieces;     // null when empty
        std::vector<Launch> launches;
    };

    Bound describe(const Implementation& implementation, const ops::Call& call) const;
    void make_kernels(Bound& bound) const;
    /// Makes room for one more step in the scratch that all share, and divides it for them. Nothing changes when memory
    /// runs out.
    void grow_scratch(uint64_t bytes);
    /// In `own`, or in what was given where that is empty.
    std::vector<MemHandle> pieces_of(const Memory& own, const std::vector<uint64_t>& places) const;
    void set_scratch(Launch& launch, const Bound& bound) const;
    void set_arguments(Bound& bound, size_t step);
    void set(Launch& launch, size_t index, cl_mem memory) const;
    void enqueue_all();
    void enqueue(Launch& launch);
    void keep(EventHandle event);

    std::shared_ptr<Device> device_;
    const Context& context_;
    std::vector<Bound> bound_;
    // The parameter blocks of all steps lie in one buffer, so that one write refreshes them.
    uint64_t stride_ = 0;
    Memory blocks_;
    std::vector<MemHandle> views_;
    std::shared_ptr<std::vector<std::byte>> image_;               // of blocks_
    std::vector<std::shared_ptr<std::vector<std::byte>>> flying_; // images that unfinished writes read
    bool dirty_ = true;
    std::shared_ptr<core::Buffer> given_scratch_;
    Memory own_scratch_;  // where too little was given
    Memory fault_;
    cl_int fault_host_ = 0;
    EventHandle first_, last_, done_;
    std::chrono::steady_clock::time_point start_;
    double seconds_ = 0;
};

}  // namespace rw::opencl
