// COPY on the CPU. Shapes: rewind/ops/copy.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: rows that are contiguous on both sides are converted in vectors
// cpu:plain                  scalar C++ for any CPU
//
// Where dimension 0 is strided, elements are converted one by one.
#include "rewind/ops/copy.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/copy.cpp"
#include <hwy/foreach_target.h>

#include "cpu/convert.h"
#include "cpu/rows.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_COPY_ROWS
#define REWIND_CPU_COPY_ROWS
namespace rw::cpu {

inline void copy_rows(const Launch& launch, ConvertRow convert) {
    using namespace ops::copy;
    const Params& p = launch.as<Params>();
    const int64_t in = element_size(p.x_type), out = element_size(p.o_type);
    for_rows(p, [&](const RowIndex& r) {
        const std::byte* from = launch.at<const std::byte>(arg::x) + in * r.at(p.x_1, p.x_2, p.x_3);
        std::byte* to = launch.at<std::byte>(arg::out) + out * r.at(p.o_1, p.o_2, p.o_3);
        if (p.x_0 == 1 && p.o_0 == 1) return convert(from, p.x_type, to, p.o_type, p.n);
        for (int64_t i = 0; i < p.n; ++i)
            convert_element(from + i * in * p.x_0, p.x_type, to + i * out * p.o_0, p.o_type);
    });
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void Copy(const Launch& launch) { copy_rows(launch, Convert); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain(const Launch& launch) { copy_rows(launch, plain_convert); }

}  // namespace

std::vector<Kernel> copy_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(Copy, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
