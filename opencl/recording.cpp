#include "opencl/recording.h"

#include <algorithm>
#include <cstring>

namespace rw::opencl {
namespace {

struct Arg {
    uint32_t low, high, elements, present;
};

/// struct <stem>_block of the generated <stem>_args.h: {uint4 arg[RW_MAX_ARGS]; params}.
constexpr uint64_t block_bytes(uint64_t params) { return RW_MAX_ARGS * sizeof(Arg) + params; }

std::vector<std::byte> make_block(const Device& device, const ops::Call& call, const std::vector<std::byte>& params) {
    std::vector<std::byte> block(block_bytes(params.size()));
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

/// From one step's block to the next's.
uint64_t block_stride(const Context& context, std::span<const core::Step> steps) {
    const uint64_t align = context.sub_buffer_alignment();
    uint64_t params = 0;
    for (const core::Step& s : steps) params = std::max<uint64_t>(params, ops::all()[size_t(s.call.op)].params_size);
    return (block_bytes(params) + align - 1) / align * align;
}

}  // namespace

uint64_t Recording::bytes(const Context& context, std::span<const core::Step> steps) {
    return block_stride(context, steps) * steps.size() + sizeof fault_host_;
}

Recording::Recording(std::shared_ptr<Device> device, const std::vector<core::Step>& steps,
                     std::shared_ptr<core::Buffer> scratch)
    : device_(std::move(device)), context_(device_->context()), stride_(block_stride(context_, steps)),
      given_scratch_(std::move(scratch)) {
    uint64_t most = 0;
    for (const core::Step& s : steps) {
        bound_.push_back(describe(*static_cast<const Implementation*>(s.implementation), s.call));
        most = std::max(most, bound_.back().scratch.back());
    }
    grow_scratch(most);
    fault_ = context_.allocate(sizeof fault_host_);
    context_.order();
    context_.check(clEnqueueWriteBuffer(context_.queue(), fault_.get(), CL_TRUE, 0, sizeof fault_host_, &fault_host_, 0,
                                        nullptr, nullptr),
                   "clearing the fault word");
    blocks_ = context_.allocate(stride_ * bound_.size(), CL_MEM_READ_ONLY);
    image_ = std::make_shared<std::vector<std::byte>>(stride_ * bound_.size());
    for (size_t i = 0; i < bound_.size(); ++i) {
        views_.push_back(context_.part(blocks_.get(), stride_ * i, stride_, CL_MEM_READ_ONLY));
        std::copy(bound_[i].block.begin(), bound_[i].block.end(), image_->begin() + std::ptrdiff_t(stride_ * i));
        make_kernels(bound_[i]);
        if (bound_[i].pieces.empty()) bound_[i].pieces = pieces_of(own_scratch_, bound_[i].scratch);
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
    b.scratch = core::scratch_places(row, scope, context_.sub_buffer_alignment());
    for (const core::Pass& pass : row.passes) b.launches.emplace_back().name = pass.gemm ? pass.key : kernel_name(pass);
    uint64_t product_bytes = 0;
    for (const core::Piece& piece : core::pieces(row, scope)) {
        scope.enter(piece);
        for (size_t i = 0; i < row.passes.size(); ++i)
            if (row.passes[i].when.empty() || scope(row.passes[i].when))
                product_bytes = std::max(product_bytes, add_commands(b, i, call, scope, piece));
    }
    if (row.has_gemm()) b.scratch.push_back(b.scratch.back() + product_bytes);
    return b;
}

/// What a pass comes down to for one piece of the call. Returns the bytes of scratch that its products need.
uint64_t Recording::add_commands(Bound& b, size_t i, const ops::Call& call, const core::Scope& scope,
                                 const core::Piece& piece) const {
    const core::Pass& pass = b.implementation->row.passes[i];
    Command c{i, {int(piece.t0), int(piece.t1)}, {1, 1, 1}, {}};
    if (pass.gemm) {
        uint64_t bytes = 0;
        for (const core::Product& p : products(*b.implementation, *pass.gemm, call, scope)) {
            bytes = std::max({bytes, device_->gemm().scratch(p), uint64_t(4)});
            c.product = p;
            b.commands.push_back(c);
        }
        return bytes;
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
    return 0;
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

std::vector<MemHandle> Recording::pieces_of(const Memory& own, const std::vector<uint64_t>& places) const {
    const Buffer* given = own.handle || !given_scratch_ ? nullptr : &device_->own(*given_scratch_);
    std::vector<MemHandle> pieces(places.size() - 1);
    for (size_t i = 0; i < pieces.size(); ++i)
        if (const uint64_t bytes = places[i + 1] - places[i])
            pieces[i] = context_.part(given ? given->get() : own.get(), (given ? given->base() : 0) + places[i], bytes);
    return pieces;
}

void Recording::grow_scratch(uint64_t bytes) {
    const uint64_t room = own_scratch_.handle ? own_scratch_.size() : given_scratch_ ? given_scratch_->size() : 0;
    if (bytes <= room) return;
    Memory fresh = context_.allocate(bytes);
    std::vector<std::vector<MemHandle>> pieces;  // all of them, before any takes the place of what is in use
    for (const Bound& b : bound_) pieces.push_back(pieces_of(fresh, b.scratch));
    own_scratch_ = std::move(fresh);
    for (size_t i = 0; i < bound_.size(); ++i) {
        bound_[i].pieces = std::move(pieces[i]);
        for (Launch& l : bound_[i].launches)
            if (l.kernel) set_scratch(l, bound_[i]);
    }
}

void Recording::set_scratch(Launch& l, const Bound& b) const {
    for (size_t i = 0; i < b.kernel_scratch(); ++i) set(l, 2 + b.memory.size() + i, b.pieces[i].get());
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
        set_scratch(l, b);
    }
}

void Recording::update(size_t step, const ops::Call& call) {
    Bound& old = bound_.at(step);
    Bound fresh = describe(*old.implementation, call);
    const bool same = fresh.specialisation == old.specialisation;
    if (!same) make_kernels(fresh);
    grow_scratch(fresh.scratch.back());  // more than the old call needs, if something below fails
    const bool same_places = fresh.scratch == old.scratch;
    if (!same_places) fresh.pieces = pieces_of(own_scratch_, fresh.scratch);
    if (!flying_.empty() && flying_.back() == image_) image_ = std::make_shared<std::vector<std::byte>>(*image_);
    if (same)
        for (size_t i = 0; i < fresh.launches.size(); ++i) fresh.launches[i].kernel = std::move(old.launches[i].kernel);
    if (same_places) fresh.pieces = std::move(old.pieces);
    try {
        if (!same || fresh.memory != old.memory || !same_places) set_arguments(fresh, step);
    } catch (...) {  // as it was
        if (same_places) old.pieces = std::move(fresh.pieces);
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
        return m.operand < b.memory.size() ? b.memory[m.operand] : b.pieces[m.operand - b.memory.size()].get();
    };
    keep(device_->gemm().enqueue({p, memory(p.a), memory(p.b), memory(p.c)}, b.pieces[b.kernel_scratch()].get()));
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
