// GET_ROWS on the CPU. Shapes: rewind/ops/get_rows.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: rows are converted in vectors, blocks as in weights-inl.h
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

/// A row of any type to n floats.
using ReadRow = void (*)(const std::byte* from, int type, float* to, int64_t n);

inline void get_each_row(const Launch& launch, ReadRow read) {
    using namespace ops::get_rows;
    const Params& p = launch.as<Params>();
    const int64_t bytes = size_of(Type(p.table_type));
    for_units(p.N, [&](int64_t i) {
        const int64_t id = launch.at<const int32_t>(arg::ids)[i];
        if (id < -1 || id >= p.R) return launch.raise(RW_FAULT_ROW);
        if (id < 0) return;
        read(launch.at<const std::byte>(arg::table) + bytes * id * p.table_r, p.table_type,
             launch.at<float>(arg::out) + i * p.o_r, p.n);
    }, int64_t(p.N) * p.n);
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/convert-inl.h"
#include "cpu/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

template <class Format>
void Unpack(const uint8_t* block, float* to, int64_t n) {
    for (int64_t at = 0; at < n; at += Format::kBlock, block += Format::kBytes) {
        typename Format::State state;
        Format::Open(block, state);
        for (int i = 0; i < Format::kBlock; i += int(kLanes))
            hn::StoreU(Format::Weight(block, state, i), f32, to + at + i);
    }
}

void ReadOne(const std::byte* from, int type, float* to, int64_t n) {
    static constexpr void (*by_type[])(const uint8_t*, float*, int64_t) = {nullptr, nullptr, nullptr, nullptr,
                                                                        RW_OF_QUANTS(Unpack)};
    static_assert(std::size(by_type) == std::size(all_types));
    if (by_type[type]) by_type[type](reinterpret_cast<const uint8_t*>(from), to, n);
    else Convert(from, type, reinterpret_cast<std::byte*>(to), RW_F32, n);
}

void GetRows(const Launch& launch) { get_each_row(launch, ReadOne); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <algorithm>

namespace rw::cpu {
namespace {

void plain(const Launch& launch) {
    get_each_row(launch, [](const std::byte* from, int number, float* to, int64_t n) {
        const Type type = Type(number);
        if (!is_quantised(type)) return plain_convert(from, number, reinterpret_cast<std::byte*>(to), RW_F32, n);
        const std::vector<double> row = core::gather({type, {n, 1, 1, 1}, contiguous(type, {n, 1, 1, 1})}, from);
        std::copy(row.begin(), row.end(), to);
    });
}

}  // namespace

std::vector<Kernel> get_rows_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(GetRows, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
