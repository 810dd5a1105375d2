#include "opencl/recording.h"

#include <algorithm>
#include <cstring>

namespace rw::opencl {
namespace {

/// struct <stem>_block of the generated <stem>_args.h: {uint4 arg[RW_MAX_ARGS]; params}.
std::vector<std::byte> make_block(const Device& device, const ops::Call& call, const std::vector<std::byte>& params) {
    struct Arg {
        uint32_t low, high, elements, present;
    };
    std::vector<std::byte> block(RW_MAX_ARGS * sizeof(Arg) + params.size());
    for (size_t i = 0; i < call.arg.size(); ++i) {
        const Tensor& t = call.arg[i];
        if (!t) continue;
        const uint64_t at = device.own(*t.buffer).base() + t.offset;
        const Arg arg{uint32_t(at), uint32_t(at >> 32), uint32_t(at / info(t.type).align), 1};
        std::memcpy(block.data() + i * sizeof arg, &arg, sizeof arg);
    }
    std::memcpy(block.data() + RW_MAX_ARGS * sizeof(Arg), params.data(), params.size());
    return block;
}

}  // namespace

Recording::Recording(std::shared_ptr<Device> device, const std::vector<core::Step>& steps)
    : device_(std::move(device)), context_(device_->context()) {
    for (const core::Step& s : steps) {
        bound_.push_back(describe(*static_cast<const Implementation*>(s.implementation), s.call));
        stride_ = std::max<uint64_t>(stride_, bound_.back().block.size());
    }
    stride_ = (stride_ + context_.sub_buffer_alignment() - 1) / context_.sub_buffer_alignment() * context_.sub_buffer_alignment();
    fault_ = context_.allocate(sizeof fault_host_);
    context_.order();
    context_.check(clEnqueueWriteBuffer(context_.queue(), fault_.get(), CL_TRUE, 0, sizeof fault_host_, &fault_host_, 0,
                                        nullptr, nullptr),
                   "clearing the fault word");
    blocks_ = context_.allocate(stride_ * bound_.size(), CL_MEM_READ_ONLY);
    image_ = std::make_shared<std::vector<std::byte>>(stride_ * bound_.size());
    for (size_t i = 0; i < bound_.size(); ++i) {
        const cl_buffer_region region{size_t(stride_ * i), size_t(stride_)};
        cl_int status = CL_SUCCESS;
        views_.emplace_back(clCreateSubBuffer(blocks_.get(), CL_MEM_READ_ONLY, CL_BUFFER_CREATE_TYPE_REGION, &region, &status));
        context_.check(status, "dividing the parameter buffer");
        std::copy(bound_[i].block.begin(), bound_[i].block.end(), image_->begin() + std::ptrdiff_t(stride_ * i));
        make_kernels(bound_[i]);
        grow_scratch(bound_[i].scratch);
        set_arguments(bound_[i], i);
    }
}

Recording::~Recording() {
    // Unfinished commands read and write members.
    if (cl_event event = done_.get()) clWaitForEvents(1, &event);
}

Recording::Bound Recording::describe(const Implementation& implementation, const ops::Call& call) const {
    const ops::Op& op = implementation.op;
    const core::KernelRow& row = implementation.row;
    core::Scope scope(op, call, context_.info().facts, row, core::tuned_values(row.name));
    Bound b;
    b.implementation = &implementation;
    b.specialisation = scope.specialisation();
    for (const Tensor& t : call.arg) b.memory.push_back(t ? device_->own(*t.buffer).get() : nullptr);
    b.block = make_block(*device_, call, scope.params());
    for (const auto& [name, bytes] : row.scratch) b.scratch.push_back(uint64_t(std::max<int64_t>(scope(bytes), 4)));
    for (const core::Pass& pass : row.passes) b.launches.emplace_back().name = pass.gemm ? pass.key : kernel_name(pass);
    for (const core::Piece& piece : core::pieces(row, scope)) {
        scope.enter(piece);
        for (size_t i = 0; i < row.passes.size(); ++i)
            if (row.passes[i].when.empty() || scope(row.passes[i].when)) add_commands(b, i, call, scope, piece);
    }
    return b;
}

/// What a pass comes down to for one piece of the call.
void Recording::add_commands(Bound& b, size_t i, const ops::Call& call, const core::Scope& scope,
                             const core::Piece& piece) const {
    const core::Pass& pass = b.implementation->row.passes[i];
    Command c{i, {int(piece.t0), int(piece.t1)}, {1, 1, 1}, {}};
    if (pass.gemm) {
        b.scratch.resize(b.kernel_scratch() + 1);
        for (const core::Product& p : products(*b.implementation, *pass.gemm, call, scope)) {
            b.scratch.back() = std::max({b.scratch.back(), device_->gemm().scratch(p), uint64_t(4)});
            c.product = p;
            b.commands.push_back(c);
        }
        return;
    }
    Launch& l = b.launches[i];
    for (size_t d = 0; d < pass.local.size(); ++d) l.local[d] = size_t(scope(pass.local[d]));
    for (size_t d = 0; d < 3; ++d) c.global[d] = l.local[d] * (d < pass.grid.size() ? size_t(scope(pass.grid[d])) : 1);
    const int end = c.tokens[1], most = pass.split.empty() ? end : std::max(int(scope(pass.split)), 1);
    do {
        c.tokens[1] = std::min(c.tokens[0] + most, end);
        b.commands.push_back(c);
        c.tokens[0] = c.tokens[1];
    } while (c.tokens[0] < end);
}

/// The products of a gemm, their matrices counted from the beginning of their memory.
std::vector<core::Product> Recording::products(const Implementation& implementation, const core::Gemm& gemm,
                                               const ops::Call& call, const core::Scope& scope) const {
    std::vector<core::Product> list = core::products(implementation.op, implementation.row, gemm, scope);
    for (core::Product& p : list)
        for (core::Product::Matrix* m : {&p.a, &p.b, &p.c}) {
            if (m->operand >= call.arg.size()) continue;
            const Tensor& t = call.arg[m->operand];
            m->start += int64_t((device_->own(*t.buffer).base() + t.offset) / sizeof(float));
        }
    return list;
}

void Recording::make_kernels(Bound& b) const {
    const auto& passes = b.implementation->row.passes;
    for (size_t i = 0; i < passes.size(); ++i) {
        if (passes[i].gemm) continue;
        Launch& l = b.launches[i];
        l.kernel = device_->program(passes[i], b.specialisation)->kernel(context_, l.name);
        size_t most = 0;
        clGetKernelWorkGroupInfo(l.kernel.get(), context_.device(), CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, nullptr);
        if (most && l.local[0] * l.local[1] * l.local[2] > most)
            throw Error(Status::unsupported, context_.info().id + ": " + l.name + " needs work-groups larger than the " +
                                                 std::to_string(most) + " work-items it can have here");
    }
}

void Recording::grow_scratch(const std::vector<uint64_t>& bytes) {
    std::vector<std::pair<size_t, MemHandle>> fresh;  // all of it, before any takes the place of what is in use
    for (size_t i = 0; i < bytes.size(); ++i)
        if (i >= scratch_.size() || scratch_bytes_[i] < bytes[i]) fresh.emplace_back(i, context_.allocate(bytes[i]));
    if (fresh.empty()) return;
    scratch_.reserve(bytes.size()), scratch_bytes_.reserve(bytes.size());
    for (auto& [i, memory] : fresh) {
        if (i >= scratch_.size()) scratch_.resize(i + 1), scratch_bytes_.resize(i + 1);
        scratch_[i] = std::move(memory), scratch_bytes_[i] = bytes[i];
    }
    for (Bound& b : bound_)
        for (Launch& l : b.launches)
            for (size_t i = 0; l.kernel && i < b.kernel_scratch() && i < scratch_.size(); ++i)
                set(l, 2 + b.memory.size() + i, scratch_[i].get());
}

void Recording::set(Launch& l, size_t index, cl_mem memory) const {
    context_.check(clSetKernelArg(l.kernel.get(), cl_uint(index), sizeof memory, &memory),
                   "setting argument " + std::to_string(index) + " of " + l.name);
}

void Recording::set_arguments(Bound& b, size_t step) {
    for (Launch& l : b.launches) {
        if (!l.kernel) continue;  // a gemm
        set(l, 0, views_[step].get()), set(l, 1, fault_.get());
        for (size_t i = 0; i < b.memory.size(); ++i) set(l, 2 + i, b.memory[i]);
        for (size_t i = 0; i < b.kernel_scratch(); ++i) set(l, 2 + b.memory.size() + i, scratch_[i].get());
    }
}

void Recording::update(size_t step, const ops::Call& call) {
    Bound& old = bound_.at(step);
    Bound fresh = describe(*old.implementation, call);
    const bool same = fresh.specialisation == old.specialisation;
    if (!same) make_kernels(fresh);
    grow_scratch(fresh.scratch);  // more than the old call needs, if something below fails
    if (!flying_.empty() && flying_.back() == image_) image_ = std::make_shared<std::vector<std::byte>>(*image_);
    if (same)
        for (size_t i = 0; i < fresh.launches.size(); ++i) fresh.launches[i].kernel = std::move(old.launches[i].kernel);
    try {
        if (!same || fresh.memory != old.memory || fresh.scratch != old.scratch) set_arguments(fresh, step);
    } catch (...) {  // as it was
        if (same) {
            for (size_t i = 0; i < fresh.launches.size(); ++i) old.launches[i].kernel = std::move(fresh.launches[i].kernel);
            set_arguments(old, step);
        }
        throw;
    }
    std::copy(fresh.block.begin(), fresh.block.end(), image_->begin() + std::ptrdiff_t(stride_ * step));
    old = std::move(fresh);
    dirty_ = true;
}

void Recording::keep(EventHandle event) {
    if (!first_) first_ = EventHandle::retain(event.get());
    last_ = std::move(event);
}

void Recording::enqueue(const Bound& b, const Command& c) {
    if (c.product) return enqueue(b, *c.product);
    const Launch& l = b.launches[c.launch];
    for (cl_uint i = 0; i < 2; ++i)
        context_.check(clSetKernelArg(l.kernel.get(), cl_uint(2 + b.memory.size() + b.kernel_scratch()) + i,
                                      sizeof c.tokens[i], &c.tokens[i]),
                       "setting the token range of " + l.name);
    context_.order();
    EventHandle event;
    context_.check(clEnqueueNDRangeKernel(context_.queue(), l.kernel.get(), 3, nullptr, c.global, l.local, 0, nullptr,
                                          event.out()),
                   "starting " + l.name);
    keep(std::move(event));
}

void Recording::enqueue(const Bound& b, const core::Product& p) {
    if (!first_ && context_.profiles())  // of a product there is the last event alone
        context_.check(clEnqueueMarkerWithWaitList(context_.queue(), 0, nullptr, first_.out()), "marking the time");
    const auto memory = [&](const core::Product::Matrix& m) {
        return m.operand < b.memory.size() ? b.memory[m.operand] : scratch_[m.operand - b.memory.size()].get();
    };
    keep(device_->gemm().enqueue({p, memory(p.a), memory(p.b), memory(p.c)}, scratch_[b.kernel_scratch()].get()));
}

void Recording::submit() {
    context_.alive();
    try {
        enqueue_all();
    } catch (...) {
        clFinish(context_.queue());  // what was enqueued reads memory of ours
        throw;
    }
}

void Recording::enqueue_all() {
    start_ = std::chrono::steady_clock::now();
    first_.reset(), last_.reset();
    if (dirty_) {
        context_.order();
        context_.check(clEnqueueWriteBuffer(context_.queue(), blocks_.get(), CL_FALSE, 0, image_->size(), image_->data(), 0,
                                            nullptr, nullptr),
                       "writing parameters");
        flying_.push_back(image_);
        dirty_ = false;
    }
    for (const Bound& b : bound_)
        for (const Command& c : b.commands) enqueue(b, c);
    context_.order();
    EventHandle event;
    context_.check(clEnqueueReadBuffer(context_.queue(), fault_.get(), CL_FALSE, 0, sizeof fault_host_, &fault_host_, 0,
                                       nullptr, event.out()),
                   "reading the fault word");
    done_ = std::move(event);
    context_.check(clFlush(context_.queue()), "submitting");
}

void Recording::wait() {
    if (!done_) return;
    const EventHandle done = std::move(done_);
    context_.wait(done.get(), "running a plan");
    flying_.clear();
    const double host = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const double device = context_.profiles() && first_ ? seconds_between(first_.get(), last_.get()) : -1;
    seconds_ = device >= 0 ? device : host;
    if (fault_host_ == 0) return;
    const auto bits = uint32_t(std::exchange(fault_host_, 0));
    context_.order();
    context_.check(clEnqueueWriteBuffer(context_.queue(), fault_.get(), CL_TRUE, 0, sizeof fault_host_, &fault_host_, 0,
                                        nullptr, nullptr),
                   "clearing the fault word");
    core::throw_fault(bits);
}

}  // namespace rw::opencl
