// One token's inputs of a gated delta op as the vector kernels want them: f32 rows, normalised, gates resolved.
#if defined(REWIND_CPU_GDN_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_ROWS_INL_H
#undef REWIND_CPU_GDN_ROWS_INL_H
#else
#define REWIND_CPU_GDN_ROWS_INL_H
#endif

#include <hwy/cache_control.h>

#include "cpu/gdn_plain.h"
#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Asks for memory while something else is worked on. Harmless past the end.
HWY_INLINE void Ask(const float* from, int64_t floats) {
    for (int64_t i = 0; i < floats; i += 16) hwy::Prefetch(from + i);
}

/// n elements of type RW_F32 | RW_F16 | RW_BF16 as f32. n is a multiple of 16.
HWY_INLINE void Convert(float* HWY_RESTRICT to, const void* base, int64_t at, int64_t n, int type) {
    const auto rows = [&](const auto* from, const auto& load) {
        for (int64_t i = 0; i < n; i += kLanes) hn::StoreU(load(from + at + i), f32, to + i);
    };
    if (type == RW_F16)
        return rows(static_cast<const uint16_t*>(base), [](const uint16_t* x) { return LoadHalves(f32, x); });
    if (type == RW_BF16)
        return rows(static_cast<const hwy::bfloat16_t*>(base), [](const hwy::bfloat16_t* x) {
            return hn::PromoteTo(f32, hn::LoadU(hn::Rebind<hwy::bfloat16_t, F32>(), x));
        });
    rows(static_cast<const float*>(base), [](const float* x) { return hn::LoadU(f32, x); });
}

/// A q or k row: converted, and divided by max(|x|, eps) when eps > 0.
HWY_INLINE void LoadRow(float* HWY_RESTRICT to, const void* base, int64_t at, int64_t n, int type, float eps) {
    Convert(to, base, at, n, type);
    if (eps <= 0) return;
    const Vec by = hn::Set(f32, 1 / std::max(std::sqrt(Dot(to, to, n)), eps));
    for (int64_t i = 0; i < n; i += kLanes) hn::StoreU(hn::Mul(hn::LoadU(f32, to + i), by), f32, to + i);
}

/// Where the rows of one (sequence, value head) are.
template <class Params>
struct RowSource {
    const GdnInputs& in;
    const Params& p;
    Sequence s;
    int64_t b, h, kh;  // number in the call, value head, key head

    RowSource(const GdnInputs& in, const Params& p, const Sequence& s, int64_t b, int64_t h)
        : in(in), p(p), s(s), b(b), h(h), kh(p.heads == RW_HEADS_TILED ? h % p.H_k : h / (p.H_v / p.H_k)) {}

    HWY_INLINE void Query(float* to, int64_t t) const {
        LoadRow(to, in.q, kh * p.q_h + (s.token + t) * p.q_t + (b % p.B_q) * p.q_b, p.S_k, p.qkv_type, p.l2norm_eps);
    }
    HWY_INLINE void Key(float* to, int64_t t) const {
        LoadRow(to, in.k, kh * p.k_h + (s.token + t) * p.k_t + (b % p.B_k) * p.k_b, p.S_k, p.qkv_type, p.l2norm_eps);
    }
    /// Columns [begin, begin + n) of the value row.
    HWY_INLINE void Value(float* to, int64_t t, int64_t begin, int64_t n) const {
        Convert(to, in.v, begin + h * p.v_h + (s.token + t) * p.v_t + s.b * p.v_b, n, p.qkv_type);
    }
    /// Asks for the q and k rows of tokens [t, t + n), each of them on a page of its own, and in AskValue for their columns
    /// [begin, begin + columns) of v and out.
    void AskRows(int64_t t, int64_t n) const {
        const int64_t bytes = p.qkv_type == RW_F32 ? 4 : 2;
        const auto row = [&](const void* base, int64_t at) {
            for (int64_t i = 0; i < p.S_k * bytes; i += 64) hwy::Prefetch(static_cast<const char*>(base) + at * bytes + i);
        };
        for (int64_t u = t; u < t + n; ++u) {
            row(in.q, kh * p.q_h + (s.token + u) * p.q_t + (b % p.B_q) * p.q_b);
            row(in.k, kh * p.k_h + (s.token + u) * p.k_t + (b % p.B_k) * p.k_b);
        }
    }
    void AskValue(int64_t t, int64_t n, int64_t begin, int64_t columns) const {
        const int64_t bytes = p.qkv_type == RW_F32 ? 4 : 2;
        for (int64_t u = t; u < t + n; ++u) {
            const int64_t at = begin + h * p.v_h + (s.token + u) * p.v_t + s.b * p.v_b;
            for (int64_t i = 0; i < columns * bytes; i += 64) hwy::Prefetch(static_cast<const char*>(in.v) + at * bytes + i);
            Ask(Out(u) + begin, columns);
        }
    }
    float* Out(int64_t t) const { return in.out + h * p.o_h + (s.token + t) * p.o_t + s.b * p.o_b; }

    /// beta and, for a scalar gate, the log decay of tokens [t, t + n): arrays of a multiple of 16 floats.
    HWY_INLINE void Gates(float* HWY_RESTRICT beta, float* HWY_RESTRICT log_decay, int64_t t, int64_t n) const {
        const float* g = in.g + h * p.g_h + (s.token + t) * p.g_t + s.b * p.g_b;
        const float* from = in.beta + h * p.beta_h + (s.token + t) * p.beta_t + s.b * p.beta_b;
        const int64_t whole = (n + 15) / 16 * 16;
        for (int64_t i = 0; i < whole; ++i) {
            beta[i] = i < n ? from[i * p.beta_t] : 0;
            log_decay[i] = i < n && p.gate == 1 ? g[i * p.g_t] : 0;
        }
        if (!p.raw_gates) return;
        for (int64_t i = 0; i < whole; i += kLanes)
            hn::StoreU(Sigmoid(hn::LoadU(f32, beta + i)), f32, beta + i);
        if (p.gate != 1) return;
        const Vec dt = hn::Set(f32, in.dt_bias[h * p.dt_h]), a = hn::Set(f32, in.a[h]);
        for (int64_t i = 0; i < whole; i += kLanes)
            hn::StoreU(hn::Mul(Softplus(hn::Add(hn::LoadU(f32, log_decay + i), dt)), a), f32, log_decay + i);
    }

    /// The log decay row of a per-channel gate, S_k floats.
    HWY_INLINE void ChannelGate(float* HWY_RESTRICT log_decay, int64_t t) const {
        const float* g = in.g + h * p.g_h + (s.token + t) * p.g_t + s.b * p.g_b;
        if (!p.raw_gates) return Convert(log_decay, g, 0, p.S_k, RW_F32);
        const float* dt = in.dt_bias + h * p.dt_h;
        const Vec a = hn::Set(f32, in.a[h]);
        for (int64_t i = 0; i < p.S_k; i += kLanes) {
            const Vec x = hn::Add(hn::LoadU(f32, g + i), hn::LoadU(f32, dt + i));
            hn::StoreU(hn::Mul(Softplus(x), a), f32, log_decay + i);
        }
    }
};

HWY_INLINE void ExpRow(float* to, const float* from, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes) hn::StoreU(Exp(hn::LoadU(f32, from + i)), f32, to + i);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
