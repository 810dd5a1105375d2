// One named implementation per instruction set that Highway compiled a function for, best first.
#pragma once

#include <hwy/highway.h>

#include <utility>

#include "core/messages.h"
#include "cpu/cpu.h"

namespace rw::cpu {

/// "cpu:avx512", "cpu:avx2", "cpu:sse2", "cpu:neon", ...
std::string target_kernel_name(int64_t target);

/// What this CPU has. Highway asks CPUID each time, which traps in a virtual machine (tens of microseconds).
int64_t supported_targets();

template <int64_t kTarget>
std::string decline_without_target(const ops::Call&) {
    return supported_targets() & kTarget ? "" : core::why::cpu_target_missing;
}

using Run = void (*)(const Launch&);

/// Pointers in the order of HWY_CHOOSE_TARGET_LIST: one a target bit, null where not compiled. Indexing by target, not by
/// what this CPU would choose, is what makes a forced implementation run that very code.
using TargetTable = Run[HWY_MAX_DYNAMIC_TARGETS];

template <size_t... kAt>
std::vector<Kernel> target_kernels(const TargetTable& table, std::index_sequence<kAt...>,
                                   size_t (*scratch)(const void*) = nullptr) {
    constexpr int64_t first = int64_t{1} << (HWY_HIGHEST_TARGET_BIT + 1 - HWY_MAX_DYNAMIC_TARGETS);
    std::vector<Kernel> list;
    ((table[kAt] ? list.push_back({target_kernel_name(first << kAt), decline_without_target<(first << kAt)>, table[kAt],
                                   scratch})
                 : void()),
     ...);
    return list;
}

/// The kernels of a function that was defined in the namespace of every target; RW_TARGET_KERNELS(function, scratch) when
/// they need scratch.
#define RW_TARGET_KERNELS(function, ...)                                   \
    ::rw::cpu::target_kernels({HWY_CHOOSE_TARGET_LIST(function)},          \
                              std::make_index_sequence<HWY_MAX_DYNAMIC_TARGETS>() __VA_OPT__(, ) __VA_ARGS__)

/// Kernels are left out of Highway's scalar targets: cpu:plain serves those CPUs.
#define RW_VECTOR_TARGET (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

}  // namespace rw::cpu
