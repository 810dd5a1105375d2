// KV_STORE on the CPU. Shapes: rewind/ops/kv_store.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target: rows are converted in vectors
// cpu:plain                  scalar C++ for any CPU
//
// Every vector of a row of q8_0 rounds an estimate of |x| / d, which is right or one off next to a tie, and compares.
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
#include <algorithm>
#include <bit>
#include <cmath>

namespace rw::cpu {

/// n neighbouring f32 elements to a row of a cache of this type.
using StoreRow = void (*)(const std::byte* x, std::byte* row, int type, int64_t n);

/// The f16 scale of a block whose largest magnitude is m; NaN when there is none.
inline uint16_t scale_bits(float m) {
    const uint16_t d = core::to_half(m * RW_Q8_0_STEP);
    return d < 0x7c00 ? d : 0x7e00;
}

inline void kv_store_tokens(const Launch& launch, StoreRow store_row) {
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
            const int64_t element = size_of(Type(type));
            std::byte* row = launch.at<std::byte>(to) + element * cache;
            for (int64_t h = 0; h < p.H; ++h) store_row(x + 4 * h * head, row + element * h * cache_head, type, D);
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

void StoreQ8_0(const float* x, std::byte* block) {
    const U32 u;
    const I32s i32;
    const auto magnitude = hn::Set(u, 0x7fffffffu);
    auto most = hn::Zero(u);  // as whole numbers: infinity and NaN are the largest
    for (int64_t i = 0; i < 32; i += kLanes)
        most = hn::Max(most, hn::And(hn::BitCast(u, hn::LoadU(f32, x + i)), magnitude));
    const uint16_t bits = scale_bits(std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(u, most))));
    std::memcpy(block, &bits, 2);
    int8_t* numbers = reinterpret_cast<int8_t*>(block + 2);
    if (bits == 0 || bits == 0x7e00) return void(std::memset(numbers, 0, 32));
    const Vec d = hn::Set(f32, core::from_half(bits)), one = hn::Set(f32, 1.0f);
    for (int64_t i = 0; i < 32; i += kLanes) {
        const Vec value = hn::LoadU(f32, x + i), size = hn::Abs(value), twice = hn::Add(size, size);
        const Vec q = hn::Round(hn::Div(size, d)), q2 = hn::Add(q, q);
        const Vec above = hn::Mul(hn::Add(q2, one), d), below = hn::Mul(hn::Sub(q2, one), d);
        const auto odd = hn::MaskFromVec(hn::BitCast(f32, hn::Neg(hn::And(hn::ConvertTo(i32, q), hn::Set(i32, 1)))));
        const auto up = hn::Or(hn::Gt(twice, above), hn::And(odd, hn::Eq(twice, above)));
        const auto down = hn::Or(hn::Lt(twice, below), hn::And(odd, hn::Eq(twice, below)));
        Vec number = hn::Sub(hn::Add(q, hn::IfThenElseZero(up, one)), hn::IfThenElseZero(down, one));
        number = hn::CopySign(hn::Min(number, hn::Set(f32, 127.0f)), value);
        const hn::Rebind<int8_t, F32> i8;
        hn::StoreU(hn::DemoteTo(i8, hn::ConvertTo(i32, number)), i8, numbers + i);
    }
}

void Store(const std::byte* x, std::byte* row, int type, int64_t n) {
    if (type != RW_Q8_0) return Convert(x, RW_F32, row, type, n);
    for (int64_t i = 0; i < n; i += 32) StoreQ8_0(reinterpret_cast<const float*>(x) + i, row + i / 32 * 34);
}

void KvStore(const Launch& launch) { kv_store_tokens(launch, Store); }

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace rw::cpu {
namespace {

void plain_q8_0(const float* x, std::byte* block) {
    uint32_t most = 0;
    for (int i = 0; i < 32; ++i) most = std::max(most, std::bit_cast<uint32_t>(x[i]) & 0x7fffffff);
    const uint16_t bits = scale_bits(std::bit_cast<float>(most));
    const double d = core::from_half(bits);
    std::memcpy(block, &bits, 2);
    for (int i = 0; i < 32; ++i)  // the quotient in double is a tie only where the true one is
        block[2 + i] = std::byte(d > 0 ? int8_t(std::clamp(std::nearbyint(x[i] / d), -127.0, 127.0)) : 0);
}

void plain_row(const std::byte* x, std::byte* row, int type, int64_t n) {
    if (type != RW_Q8_0) return plain_convert(x, RW_F32, row, type, n);
    for (int64_t i = 0; i < n; i += 32) plain_q8_0(reinterpret_cast<const float*>(x) + i, row + i / 32 * 34);
}

void plain(const Launch& launch) { kv_store_tokens(launch, plain_row); }

}  // namespace

std::vector<Kernel> kv_store_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(KvStore, nullptr);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
