#include "opencl/device.h"

#include <chrono>

#include "opencl/recording.h"

namespace rw::opencl {

std::string Implementation::decline(const ops::Call& call) const {
    const bool gemm = row.has_gemm();
    if (std::string reason = Gemm::missing(); gemm && !reason.empty()) return reason;
    if (std::string reason = core::decline(op, call, context_.info().facts, row); !reason.empty()) return reason;
    std::string reason;
    for_products(call, [&](const core::Product& p) {
        if (reason.empty()) reason = Gemm::declines(p, call);
    });
    if (!reason.empty()) return reason;
    std::call_once(checked_, [&] {  // a macro nobody reads is what a misspelt constant comes down to
        core::check_constants(op, row, [](const core::Pass& pass, const std::string& name) {
            return core::has_word(core::with_includes(pass.source), name);
        });
    });
    return "";
}

void Implementation::for_products(const ops::Call& call, const std::function<void(const core::Product&)>& visit) const {
    if (!row.has_gemm()) return;
    core::Scope scope(op, call, context_.info().facts, row, core::tuned_values(row.name));
    for (const core::Piece& piece : core::pieces(row, scope)) {
        scope.enter(piece);
        for (const core::Pass& pass : row.passes) {
            if (!pass.gemm || (!pass.when.empty() && !scope(pass.when))) continue;
            for (const core::Product& p : core::products(op, row, *pass.gemm, scope)) visit(p);
        }
    }
}

uint64_t Implementation::scratch(const ops::Call& call) const {
    if (row.scratch.empty() && !row.has_gemm()) return 0;
    const core::Scope scope(op, call, context_.info().facts, row, core::tuned_values(row.name));
    uint64_t most = 0;  // of a product
    for_products(call, [&](const core::Product& p) { most = std::max(most, Gemm::most_scratch(p)); });
    return core::scratch_places(row, scope, context_.sub_buffer_alignment()).back() + most;
}

Device::Device(ContextPtr context) : core::Device(context->meter()), context_(std::move(context)) {
    for (const ops::Op& op : ops::all()) {
        auto& list = implementations_.emplace_back();
        for (const core::KernelRow* row : core::kernel_rows(op, "opencl", info().facts))
            list.push_back(std::make_unique<Implementation>(op, *row, *context_));
    }
}

std::shared_ptr<core::Buffer> Device::allocate(uint64_t bytes) { return std::make_shared<Buffer>(context_, bytes); }

std::shared_ptr<core::Buffer> Device::wrap_host(void* memory, uint64_t bytes) {
    if (!info().facts.at("cpu")) return core::Device::wrap_host(memory, bytes);  // says what to do instead
    if (!memory || bytes == 0) throw Error(Status::invalid_argument, info().id + ": wrapping no host memory");
    if (reinterpret_cast<uintptr_t>(memory) % 16)  // kernels choose vector loads by the tensors' own offsets
        throw Error(Status::invalid_argument, info().id + ": host memory is wrapped from a multiple of 16 bytes on; "
                                                          "put the rest into the tensor's offset");
    context_->alive();
    return std::make_shared<Buffer>(context_, memory, bytes);
}

std::shared_ptr<core::Buffer> Device::wrap_native(uint64_t handle, uint64_t offset, uint64_t bytes) {
    const auto memory = reinterpret_cast<cl_mem>(uintptr_t(handle));
    size_t size = 0;
    cl_context context = nullptr;
    if (!memory || clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof size, &size, nullptr) != CL_SUCCESS ||
        clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof context, &context, nullptr) != CL_SUCCESS ||
        context != context_->get())
        throw Error(Status::invalid_argument, info().id + ": not a cl_mem of this device's context");
    if (offset > size || bytes > size - offset)
        throw Error(Status::invalid_argument, info().id + ": bytes " + std::to_string(offset) + " + " + std::to_string(bytes) +
                                                  " are past the end of a cl_mem of " + std::to_string(size));
    if (offset % 16)  // kernels choose vector loads by the tensors' own offsets
        throw Error(Status::invalid_argument, info().id + ": a cl_mem is wrapped from a multiple of 16 bytes on; "
                                                          "put the rest into the tensor's offset");
    context_->alive();
    return std::make_shared<Buffer>(context_, memory, offset, bytes);
}

std::vector<const core::Implementation*> Device::implementations(int op) const {
    std::vector<const core::Implementation*> list;
    for (const auto& i : implementations_.at(size_t(op))) list.push_back(i.get());
    return list;
}

std::unique_ptr<core::Recording> Device::record(std::vector<core::Step> steps, std::shared_ptr<core::Buffer> scratch) {
    context_->alive();
    return std::make_unique<Recording>(std::static_pointer_cast<Device>(shared_from_this()), steps, std::move(scratch));
}

uint64_t Device::recording_bytes(std::span<const core::Step> steps) const { return Recording::bytes(*context_, steps); }

std::shared_ptr<const Program> Device::program(const core::Pass& pass,
                                               const std::vector<std::pair<std::string, int64_t>>& specialisation) {
    const ProgramSource source(pass, specialisation);
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const Program>& known = programs_[source.options + "\n" + source.text];
    if (!known) known = std::make_shared<Program>(*context_, source, pass.source);
    return known;
}

const Gemm& Device::gemm() {
    const std::lock_guard lock(mutex_);
    if (!gemm_) gemm_.emplace(*context_);
    return *gemm_;
}

Buffer& Device::own(core::Buffer& buffer) const {
    auto* mine = dynamic_cast<Buffer*>(&buffer);
    if (!mine || &mine->context() != context_.get())
        throw Error(Status::invalid_argument, info().id + ": a tensor's buffer belongs to another device");
    return *mine;
}

double Device::copy_seconds(core::Buffer& source, core::Buffer& target, uint64_t bytes) {
    Buffer &from = own(source), &to = own(target);
    if (bytes > from.size() || bytes > to.size())
        throw Error(Status::invalid_argument, info().id + ": copy of " + std::to_string(bytes) + " bytes past a buffer's end");
    context_->alive();
    context_->order();
    const auto start = std::chrono::steady_clock::now();
    EventHandle done;
    context_->check(clEnqueueCopyBuffer(context_->queue(), from.get(), to.get(), size_t(from.base()), size_t(to.base()),
                                        size_t(bytes), 0, nullptr, done.out()),
                    "copying");
    context_->wait(done.get(), "copying");
    const double host = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double device = context_->profiles() ? seconds_between(done.get(), done.get()) : -1;
    return device > 0 ? device : host;
}

}  // namespace rw::opencl
