#include "core/product.h"

namespace rw::core {
namespace {

/// Names were checked when the row was read.
size_t operand(const ops::Op& op, const KernelRow& row, const std::string& name) {
    if (const int arg = op.arg_index(name); arg >= 0) return size_t(arg);
    size_t i = 0;
    while (row.scratch.at(i).first != name) ++i;
    return op.args.size() + i;
}

}  // namespace

Product product(const ops::Op& op, const KernelRow& row, const Gemm& gemm, const Scope& scope) {
    const auto matrix = [&](const Gemm::Matrix& m) {
        return Product::Matrix{operand(op, row, m.name), scope(m.stride), m.start.empty() ? 0 : scope(m.start)};
    };
    return {scope(gemm.m), scope(gemm.n), scope(gemm.k), !gemm.adds.empty() && scope(gemm.adds),
            matrix(gemm.a), matrix(gemm.b), matrix(gemm.c)};
}

}  // namespace rw::core
