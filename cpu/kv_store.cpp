// KV_STORE on the CPU. Shapes: rewind/ops/kv_store.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: rows are converted in vectors
// cpu:plain                  scalar C++ for any CPU
#include "rewind/ops/kv_store.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kv_store.cpp"
#include <hwy/foreach_target.h>

#include "cpu/convert.h"
#include "cpu/parallel.h"
#include "cpu/sequences.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_KV_STORE_TOKENS
#define REWIND_CPU_KV_STORE_TOKENS
namespace rw::cpu {

inline void kv_store_tokens(const Launch& launch, ConvertRow convert) {
    using namespace ops::kv_store;
    const Params& p = launch.as<Params>();
    for_units(int64_t(p.B) * p.T, [&](int64_t unit) {
        const int64_t t = unit % p.T, b = unit / p.T;
        const Sequence s = sequence(launch, p, int(b), arg::seq, arg::first, arg::seq_len);
        const int64_t pos = s.n ? launch.at<const int32_t>(arg::pos)[b] : -1;
        if (pos < 0 || t >= s.n) return;
        if (pos + s.n > p.R) return launch.raise(RW_FAULT_POS);
        const auto store = [&](int from, int64_t at, int64_t head, int to, int64_t cache, int64_t cache_head, int type,
                               int64_t D) {
            const std::byte* x = launch.at<const std::byte>(from) + 4 * at;
            std::byte* row = launch.at<std::byte>(to) + element_size(type) * cache;
            for (int64_t h = 0; h < p.H; ++h)
                convert(x + 4 * h * head, RW_F32, row + element_size(type) * h * cache_head, type, D);
        };
        store(arg::k, s.b * p.k_b + (s.token + t) * p.k_t, p.k_h, arg::cache_k, s.row * p.ck_b + (pos + t) * p.ck_r,
              p.ck_h, p.k_type, p.D_k);
        store(arg::v, s.b * p.v_b + (s.token + t) * p.v_t, p.v_h, arg::cache_v, s.row * p.cv_b + (pos + t) * p.cv_r,
              p.cv_h, p.v_type, p.D_v);
    }, int64_t(p.B) * p.T * p.H * (p.D_k + p.D_v));
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void KvStore(const Launch& launch) { kv_store_tokens(launch, Convert); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain(const Launch& launch) { kv_store_tokens(launch, plain_convert); }

}  // namespace

std::vector<Kernel> kv_store_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(KvStore, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
