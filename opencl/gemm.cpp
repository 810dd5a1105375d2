#include "opencl/gemm.h"

#include <algorithm>
#include <mutex>

#include "opencl/buffer.h"

#if REWIND_CLBLAST
#include <clblast_c.h>
#endif

namespace rw::opencl {

uint64_t Gemm::most_scratch(const core::Product& p) {
    // Of matrices that are no multiple of its tiles it makes copies that are, one behind the other.
    constexpr int64_t tile = 256;
    const int64_t M = p.M + tile, N = p.N + tile, K = p.K + tile;
    return uint64_t(M * K + N * K + M * N) * sizeof(float);
}

std::string Gemm::declines(const core::Product& p, const ops::Call& call) {
    constexpr int64_t most = INT32_MAX;
    if (most_scratch(p) / sizeof(float) > uint64_t(most)) return core::why::gemm_too_large;
    for (const core::Product::Matrix* m : {&p.a, &p.b, &p.c}) {
        if (m->operand >= call.arg.size()) continue;
        const Tensor& t = call.arg[m->operand];
        const auto* buffer = dynamic_cast<const Buffer*>(t.buffer);
        if (!buffer) continue;  // of another device: that is said when the call is recorded
        if ((buffer->base() + t.offset + t.span()) / sizeof(float) > uint64_t(most)) return core::why::gemm_too_large;
        if (reinterpret_cast<uintptr_t>(buffer->host()) % 64) return core::why::gemm_unaligned;  // it loads vectors
    }
    return "";
}

#if REWIND_CLBLAST
namespace {

std::shared_ptr<const void> cache() {
    static std::mutex mutex;
    static std::weak_ptr<const void> shared;
    static const char nothing = 0;
    const std::lock_guard lock(mutex);
    std::shared_ptr<const void> mine = shared.lock();
    if (!mine) shared = mine = std::shared_ptr<const void>(&nothing, [](const void*) { CLBlastClearCache(); });
    return mine;
}

/// Statuses above -1000 are OpenCL's own.
void check(const Context& context, CLBlastStatusCode status) {
    if (status > -1000) return context.check(status, "multiplying matrices with CLBlast");
    throw Error(Status::internal,
                context.info().id + ": CLBlast refused a product (its status " + std::to_string(int(status)) + ")");
}

/// Rows shorter than K would be refused where there is but one.
size_t stride(const core::Product::Matrix& m, int64_t width) { return size_t(std::max(m.stride, width)); }

}  // namespace

std::string Gemm::missing() { return ""; }

Gemm::Gemm(const Context& context) : context_(context), cache_(cache()) {
    const Memory three = context_.allocate(3 * sizeof(float));
    const core::Product one{1, 1, 1, false, {0, 1, 0}, {1, 1, 1}, {2, 1, 2}};
    const Memory more = context_.allocate(std::max<uint64_t>(scratch(one), sizeof(float)));
    const EventHandle done = enqueue({one, three.get(), three.get(), three.get()}, more.get());
    context_.wait(done.get(), "trying CLBlast");
}

uint64_t Gemm::scratch(const core::Product& p) const {
    size_t bytes = 0;
    cl_command_queue queue = context_.queue();
    check(context_, CLBlastSGemmTempBufferSize(
                        CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, size_t(p.M), size_t(p.N), size_t(p.K),
                        size_t(p.a.start), stride(p.a, p.K), size_t(p.b.start), stride(p.b, p.K), size_t(p.c.start),
                        stride(p.c, p.N), &queue, &bytes));
    return bytes;
}

EventHandle Gemm::enqueue(const Product& product, cl_mem scratch) const {
    const core::Product& p = product.of;
    cl_command_queue queue = context_.queue();
    EventHandle event;
    context_.order();
    check(context_, CLBlastSgemmWithTempBuffer(
                        CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, size_t(p.M), size_t(p.N), size_t(p.K),
                        1, product.a, size_t(p.a.start), stride(p.a, p.K), product.b, size_t(p.b.start), stride(p.b, p.K),
                        p.adds ? 1 : 0, product.c, size_t(p.c.start), stride(p.c, p.N), &queue, event.out(), scratch));
    return event;
}

#else

std::string Gemm::missing() { return core::why::no_clblast; }

// Rows with a gemm are declined: none of these is ever called.
Gemm::Gemm(const Context& context) : context_(context) { throw Error(Status::unsupported, core::why::no_clblast); }
uint64_t Gemm::scratch(const core::Product&) const { return 0; }
EventHandle Gemm::enqueue(const Product&, cl_mem) const { return {}; }

#endif

}  // namespace rw::opencl
