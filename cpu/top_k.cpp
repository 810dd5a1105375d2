// TOP_K on the CPU. Equation and shapes: rewind/ops/top_k.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target
// cpu:plain                  scalar C++ for any CPU
//
// A unit of work is a part of a row: its largest numbers in their order, and the sum of exp relative to the first. The
// parts of a row are then merged in their order.
#include "rewind/ops/top_k.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/top_k.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "cpu/largest.h"
#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_TOP_K_SHARED
#define REWIND_CPU_TOP_K_SHARED
namespace rw::cpu {

struct TopKPart : Largest<RW_TOP_K_MOST> {
    using Largest::Largest;
    float sum = 0;  // of exp(x - base()) over the part
};

inline int64_t top_k_parts(const ops::top_k::Params& p) { return (p.V + RW_TOP_K_PART - 1) / RW_TOP_K_PART; }

inline size_t top_k_scratch(const void* params) {
    const auto& p = *static_cast<const ops::top_k::Params*>(params);
    return size_t(p.R * top_k_parts(p)) * sizeof(TopKPart);
}

/// search(x, first, n, part): numbers first .. first + n - 1 of a row, x pointing at the first of them.
template <class Search, class ExpOf>
void top_k_rows(const Launch& launch, const Search& search, const ExpOf& exp_of) {
    using namespace ops::top_k;
    const Params& p = launch.as<Params>();
    const int64_t parts = top_k_parts(p);
    TopKPart* all_parts = reinterpret_cast<TopKPart*>(launch.scratch);
    for_units(p.R * parts, [&](int64_t unit) {
        const int64_t first = unit % parts * RW_TOP_K_PART, n = std::min<int64_t>(RW_TOP_K_PART, p.V - first);
        const float* row = launch.at<const float>(arg::logits) + unit / parts * p.x_r;
        search(row + first, first, n, *new (all_parts + unit) TopKPart(std::min<int64_t>(p.k, n)));
    }, 8 * int64_t(p.R) * p.V);
    for_units(p.R, [&](int64_t r) {
        const TopKPart* part = all_parts + r * parts;
        TopKPart all(p.k);
        for (int64_t i = 0; i < parts; ++i)
            for (int32_t j = 0; j < part[i].count && !all.refuses(part[i].value[j]); ++j)
                all.offer(part[i].value[j], part[i].id[j]);
        for (int64_t i = 0; i < parts; ++i) all.sum += exp_of(part[i].value[0] - all.base()) * part[i].sum;
        for (int64_t i = 0; i < p.k; ++i) {
            launch.at<int32_t>(arg::ids)[r * p.i_r + i] = all.id[i];
            launch.at<float>(arg::prob)[r * p.p_r + i] = exp_of(all.value[i] - all.base()) / all.sum;
        }
    }, int64_t(p.R) * parts * p.k);
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Vectors without a number that is large enough, nearly all of them, are passed over.
void SearchPart(const float* x, int64_t first, int64_t n, TopKPart& part) {
    int64_t i = std::min<int64_t>(part.k, n);
    part.search(x, first, i);
    for (; i + kLanes <= n; i += kLanes)
        if (!hn::AllFalse(f32, hn::Gt(hn::LoadU(f32, x + i), hn::Set(f32, part.value[part.k - 1]))))
            part.search(x + i, first + i, kLanes);
    part.search(x + i, first + i, n - i);
    part.sum = ExpSum(x, n, part.base());
}

void TopK(const Launch& launch) {
    top_k_rows(launch, SearchPart, [](float x) HWY_ATTR { return hn::GetLane(Exp(hn::Set(f32, x))); });
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain(const Launch& launch) {
    const auto search = [](const float* x, int64_t first, int64_t n, TopKPart& part) {
        part.search(x, first, n);
        part.sum = plain_exp_sum(x, n, part.base());
    };
    top_k_rows(launch, search, [](float x) { return std::exp(x); });
}

}  // namespace

std::vector<Kernel> top_k_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(TopK, top_k_scratch);
    list.push_back({"cpu:plain", nullptr, plain, top_k_scratch});
    return list;
}

}  // namespace rw::cpu
#endif
