#include "core/product.h"

#include <algorithm>

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

std::vector<Product> products(const ops::Op& op, const KernelRow& row, const Gemm& gemm, const Scope& scope) {
    const auto matrix = [&](const Gemm::Matrix& m) {
        return Product::Matrix{operand(op, row, m.name), scope(m.stride), m.start.empty() ? 0 : scope(m.start)};
    };
    const int64_t K = scope(gemm.k), most = gemm.most.empty() ? K : scope(gemm.most);
    if (most < 1) throw Error(Status::internal, "kernel row: gemm: `" + gemm.most.text() + "` is below 1");
    Product p{scope(gemm.m), scope(gemm.n), 0, !gemm.adds.empty() && scope(gemm.adds),
              matrix(gemm.a), matrix(gemm.b), matrix(gemm.c)};
    std::vector<Product> list;
    for (int64_t k = 0; k < K; k += most) {
        p.K = std::min(most, K - k);
        list.push_back(p);
        p.a.start += most, p.b.start += most, p.adds = true;
    }
    return list;
}

}  // namespace rw::core
