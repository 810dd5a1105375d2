// SWIGLU on the CPU. Equation and shapes: rewind/ops/swiglu.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target
// cpu:plain                  scalar C++ for any CPU
#include "rewind/ops/swiglu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/swiglu.cpp"
#include <hwy/foreach_target.h>

#include <cmath>

#include "cpu/rows.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_SWIGLU_ROWS
#define REWIND_CPU_SWIGLU_ROWS
namespace rw::cpu {

struct SwigluRow {
    const float *gate, *up;
    float* out;
    int64_t n;
    bool one, sigmoid;
};

inline void swiglu_rows(const Launch& launch, void (*activate)(const SwigluRow&)) {
    using namespace ops::swiglu;
    const Params& p = launch.as<Params>();
    const float *gate = launch.at<const float>(arg::gate), *up = p.halves ? gate + p.n : launch.at<const float>(arg::up);
    for_rows(p, [&](const RowIndex& r) {
        activate({gate + r.at(p.g_1, p.g_2, p.g_3), up + r.at(p.u_1, p.u_2, p.u_3),
                  launch.at<float>(arg::out) + r.at(p.o_1, p.o_2, p.o_3), p.n, p.one != 0, p.sigmoid != 0});
    });
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void SwigluOne(const SwigluRow& r) {
    const Vec one = hn::Set(f32, r.gate[0]);
    for (int64_t i = 0; i < r.n; i += kLanes) {
        const Vec g = r.one ? one : LoadOf(r.gate, i, r.n);
        StoreOf(hn::Mul(r.sigmoid ? Sigmoid(g) : SiluOf(g), LoadOf(r.up, i, r.n)), r.out, i, r.n);
    }
}

void Swiglu(const Launch& launch) { swiglu_rows(launch, SwigluOne); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain_row(const SwigluRow& r) {
    for (int64_t i = 0; i < r.n; ++i) {
        const float g = r.gate[r.one ? 0 : i], e = 1 + std::exp(-g);
        r.out[i] = (r.sigmoid ? 1 / e : g / e) * r.up[i];
    }
}

void plain(const Launch& launch) { swiglu_rows(launch, plain_row); }

}  // namespace

std::vector<Kernel> swiglu_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(Swiglu, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
