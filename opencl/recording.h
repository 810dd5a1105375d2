// Steps as OpenCL kernels with their arguments set once, and products of matrices; submit() only enqueues.
#pragma once

#include <chrono>
#include <optional>

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
    /// The kernel of a pass; a gemm has none.
    struct Launch {
        std::string name;
        KernelHandle kernel;
        size_t local[3] = {1, 1, 1};
    };
    /// A launch for the tokens [t0, t1), or a product.
    struct Command {
        size_t launch;
        cl_int tokens[2];
        size_t global[3];
        std::optional<core::Product> product;
    };
    struct Bound {
        const Implementation* implementation = nullptr;
        std::vector<std::pair<std::string, int64_t>> specialisation;
        std::vector<cl_mem> memory;        // of the arguments, null when absent
        std::vector<std::byte> block;      // what the kernels read: rw.clh
        std::vector<uint64_t> scratch;     // where its pieces begin in the scratch area, and last where they end
        std::vector<MemHandle> pieces;     // null when empty; behind those that kernels see, what products need
        std::vector<Launch> launches;      // one a pass
        std::vector<Command> commands;     // in order
        size_t kernel_scratch() const { return implementation->row.scratch.size(); }
    };

    Bound describe(const Implementation& implementation, const ops::Call& call) const;
    uint64_t add_commands(Bound& bound, size_t pass, const ops::Call& call, const core::Scope& scope,
                          const core::Piece& piece) const;
    std::vector<core::Product> products(const Implementation& implementation, const core::Gemm& gemm,
                                        const ops::Call& call, const core::Scope& scope) const;
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
    void enqueue(const Bound& bound, const Command& command);
    void enqueue(const Bound& bound, const core::Product& product);
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
