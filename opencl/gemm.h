// Matrix products by CLBlast: what a gemm of a kernel row (core/kernel_rows.h) is here.
#pragma once

#include "core/product.h"
#include "opencl/context.h"

namespace rw::opencl {

/// A product and where its matrices lie; `start` counts from the beginning of a cl_mem.
struct Product {
    core::Product of;
    cl_mem a, b, c;
};

/// CLBlast for one context. It keeps compiled kernels, and with them OpenCL contexts, in a cache of the process, which is
/// emptied when the last Gemm goes: an engine's context is then its own again.
class Gemm {
public:
    /// Why there are no products in this build; empty when there are.
    static std::string missing();
    /// Why CLBlast cannot be given the product; empty when it can.
    static std::string declines(const core::Product& product, const ops::Call& call);

    /// Bytes that scratch() is at most, without asking CLBlast.
    static uint64_t most_scratch(const core::Product& product);

    /// Compiles its kernels, which takes seconds.
    explicit Gemm(const Context& context);
    /// Bytes of device memory that the product needs besides its matrices.
    uint64_t scratch(const core::Product& product) const;
    /// Behind what was enqueued before. The event is that of its last command.
    EventHandle enqueue(const Product& product, cl_mem scratch) const;

private:
    const Context& context_;
    std::shared_ptr<const void> cache_;
};

}  // namespace rw::opencl
