// GET_ROWS on the CPU. Shapes: rewind/ops/get_rows.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: rows are converted in vectors
// cpu:plain                  scalar C++ for any CPU
#include "rewind/ops/get_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/get_rows.cpp"
#include <hwy/foreach_target.h>

#include "cpu/convert.h"
#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_GET_ROWS
#define REWIND_CPU_GET_ROWS
namespace rw::cpu {

inline void get_each_row(const Launch& launch, ConvertRow convert) {
    using namespace ops::get_rows;
    const Params& p = launch.as<Params>();
    for_units(p.N, [&](int64_t i) {
        const int64_t id = launch.at<const int32_t>(arg::ids)[i];
        if (id < -1 || id >= p.R) return launch.raise(RW_FAULT_ROW);
        if (id < 0) return;
        convert(launch.at<const std::byte>(arg::table) + element_size(p.table_type) * id * p.table_r, p.table_type,
                launch.at<std::byte>(arg::out) + 4 * i * p.o_r, RW_F32, p.n);
    }, int64_t(p.N) * p.n);
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void GetRows(const Launch& launch) { get_each_row(launch, Convert); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain(const Launch& launch) { get_each_row(launch, plain_convert); }

}  // namespace

std::vector<Kernel> get_rows_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(GetRows, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
