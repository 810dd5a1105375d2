// The exact path of GATED_DELTA_NET: token-sequential, the same bits for every partition of the tokens into calls.
//
// Per token and value column, S the column before the token, a the decay, both reductions over one read of S:
//
//   m = S . a k     r = S . a q     d = beta (v - m)     o = scale (r + (k . q) d)     S <- a S + k d
//
// A scalar decay multiplies the two sums instead of the rows. The pass that updates S for one token takes the two sums
// of the next token along, so a column is loaded once a token, from the state for the first token and from the slot
// that the token before went to after that: no working copy. Blocks of kBlock columns stay in L1 over all tokens. A call
// that moves more than the caches hold has a working copy and writes its slots past the caches, which would only fetch
// what is overwritten.
// Every sum runs over the key channels in one vector accumulator, whatever else is computed beside it.
//
// Tunables: kBlock (columns in L1), kTokens (tokens whose rows are prepared together). Neither shows in the bits.
#if defined(REWIND_CPU_GDN_EXACT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_EXACT_INL_H
#undef REWIND_CPU_GDN_EXACT_INL_H
#else
#define REWIND_CPU_GDN_EXACT_INL_H
#endif

#include "cpu/gdn_columns-inl.h"
#include "cpu/gdn_rows-inl.h"
#include "rewind/ops/slots.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

constexpr int64_t kBlock = 16, kTokens = 16, kMaxSize = 256;

/// The rows of up to kTokens tokens of one value head, row t at t * S_k (v: t * columns).
struct ExactRows {
    HWY_ALIGN float k[kTokens * kMaxSize], q[kTokens * kMaxSize], v[kTokens * kMaxSize];
    HWY_ALIGN float decay[kTokens * kMaxSize];                    // per channel
    HWY_ALIGN float dk[kTokens * kMaxSize], dq[kTokens * kMaxSize];  // decay times k, q
    HWY_ALIGN float decay1[kTokens], beta[kTokens], kq[kTokens];
};

/// What the dot products of a token are taken with, and by what the sums are multiplied.
template <bool kChannel>
struct Probe {
    const float *k, *q;
    float decay;
    Probe(const ExactRows& rows, int64_t t, int64_t S_k)
        : k((kChannel ? rows.dk : rows.k) + t * S_k), q((kChannel ? rows.dq : rows.q) + t * S_k),
          decay(kChannel ? 1 : rows.decay1[t]) {}
};

template <class Params>
void PrepareExact(ExactRows& rows, const RowSource<Params>& from, int64_t t0, int64_t n, int64_t begin, int64_t columns) {
    const int64_t S_k = from.p.S_k;
    const bool channel = from.p.gate != 1;
    from.Gates(rows.beta, rows.decay1, t0, n);
    ExpRow(rows.decay1, rows.decay1, kTokens);
    for (int64_t t = 0; t < n; ++t) {
        float *k = rows.k + t * S_k, *q = rows.q + t * S_k, *decay = rows.decay + t * S_k;
        from.Key(k, t0 + t), from.Query(q, t0 + t), from.Value(rows.v + t * columns, t0 + t, begin, columns);
        rows.kq[t] = Dot(k, q, S_k);
        if (!channel) continue;
        from.ChannelGate(decay, t0 + t);
        for (int64_t i = 0; i < S_k; i += kLanes) {
            const Vec a = Exp(hn::Load(f32, decay + i));
            hn::Store(a, f32, decay + i);
            hn::Store(hn::Mul(a, hn::Load(f32, k + i)), f32, rows.dk + t * S_k + i);
            hn::Store(hn::Mul(a, hn::Load(f32, q + i)), f32, rows.dq + t * S_k + i);
        }
    }
}

/// Where the state after a token goes. at: null when it is not kept; past: not read again by this call.
struct Kept {
    float* at;
    bool past;
};

/// Update4 for one token and Probe4 for the next in one pass. past: a second place for the result, past the caches.
template <bool kChannel, bool kStream, class Size>
HWY_NOINLINE void UpdateProbe4(const float* from, float* to, float* past, Size S_k, const float* k, const float* decay,
                             float decay1, const float* d, const Probe<kChannel>& next, float* m, float* r) {
    const Vec d0 = hn::Set(f32, d[0]), d1 = hn::Set(f32, d[1]), d2 = hn::Set(f32, d[2]), d3 = hn::Set(f32, d[3]);
    const Vec one = hn::Set(f32, decay1);
    Vec m0 = hn::Zero(f32), m1 = m0, m2 = m0, m3 = m0, r0 = m0, r1 = m0, r2 = m0, r3 = m0;
    for (int64_t i = 0; i < S_k; i += kLanes) {
        const Vec ki = hn::Load(f32, k + i), a = kChannel ? hn::Load(f32, decay + i) : one;
        const Vec nk = hn::Load(f32, next.k + i), nq = hn::Load(f32, next.q + i);
        const Vec s0 = hn::MulAdd(ki, d0, hn::Mul(a, hn::LoadU(f32, from + i)));
        hn::StoreU(s0, f32, to + i);
        if constexpr (kStream) hn::Stream(s0, f32, past + i);
        m0 = hn::MulAdd(s0, nk, m0), r0 = hn::MulAdd(s0, nq, r0);
        const Vec s1 = hn::MulAdd(ki, d1, hn::Mul(a, hn::LoadU(f32, from + S_k + i)));
        hn::StoreU(s1, f32, to + S_k + i);
        if constexpr (kStream) hn::Stream(s1, f32, past + S_k + i);
        m1 = hn::MulAdd(s1, nk, m1), r1 = hn::MulAdd(s1, nq, r1);
        const Vec s2 = hn::MulAdd(ki, d2, hn::Mul(a, hn::LoadU(f32, from + 2 * S_k + i)));
        hn::StoreU(s2, f32, to + 2 * S_k + i);
        if constexpr (kStream) hn::Stream(s2, f32, past + 2 * S_k + i);
        m2 = hn::MulAdd(s2, nk, m2), r2 = hn::MulAdd(s2, nq, r2);
        const Vec s3 = hn::MulAdd(ki, d3, hn::Mul(a, hn::LoadU(f32, from + 3 * S_k + i)));
        hn::StoreU(s3, f32, to + 3 * S_k + i);
        if constexpr (kStream) hn::Stream(s3, f32, past + 3 * S_k + i);
        m3 = hn::MulAdd(s3, nk, m3), r3 = hn::MulAdd(s3, nq, r3);
    }
    hn::Store(hn::Mul(Sums(m0, m1, m2, m3), hn::Set(f32x4, next.decay)), f32x4, m);
    hn::Store(hn::Mul(Sums(r0, r1, r2, r3), hn::Set(f32x4, next.decay)), f32x4, r);
}

/// ExactTokens for one kind of gate and one size.
template <bool kChannel, class Params, class Size, class Slot>
void ExactColumns(const RowSource<Params>& source, Size S_k, const float* state, const Slot& slot, int64_t t0, int64_t t1,
                  int64_t begin, int64_t columns) {
    const Params& p = source.p;
    ExactRows rows;
    for (int64_t tile = t0; tile < t1; tile += kTokens) {
        const int64_t n = std::min(kTokens, t1 - tile);
        PrepareExact(rows, source, tile, n, begin, columns);
        for (int64_t c = begin; c < begin + columns; c += kBlock) {
            HWY_ALIGN float m[kBlock], r[kBlock], d[4], work[kBlock * kMaxSize];
            const float* from = (tile == t0 ? state : slot(tile - 1).at) + c * S_k;
            const Probe<kChannel> first(rows, 0, S_k);
            for (int64_t j = 0; j < kBlock; j += 4) {
                if (c + j + 8 < begin + columns) Ask(from + (j + 8) * S_k, 4 * S_k);
                Probe4(from + j * S_k, S_k, first.k, first.q, first.decay, m + j, r + j);
            }
            for (int64_t t = 0; t < n; ++t) {
                const Kept kept = slot(tile + t);
                float* place = kept.at ? kept.at + c * S_k : work;  // a token that is not kept
                float* to = kept.past ? work : place;
                float* out = source.Out(tile + t) + c;
                const float *v = rows.v + t * columns + c - begin, *k = rows.k + t * S_k, *decay = rows.decay + t * S_k;
                const auto beta = hn::Set(f32x4, rows.beta[t]), kq = hn::Set(f32x4, rows.kq[t]);
                const auto scale = hn::Set(f32x4, p.scale);
                for (int64_t j = 0; j < kBlock; j += 4) {
                    const auto d4 = hn::Mul(beta, hn::Sub(hn::Load(f32x4, v + j), hn::Load(f32x4, m + j)));
                    hn::Store(d4, f32x4, d);
                    hn::StoreU(hn::Mul(scale, hn::MulAdd(kq, d4, hn::Load(f32x4, r + j))), f32x4, out + j);
                    const float* src = from + j * S_k;
                    const Probe<kChannel> next(rows, t + 1 < n ? t + 1 : t, S_k);
                    if (t + 1 < n && kept.past)
                        UpdateProbe4<kChannel, true>(src, to + j * S_k, place + j * S_k, S_k, k, decay, rows.decay1[t], d,
                                                     next, m + j, r + j);
                    else if (t + 1 < n)
                        UpdateProbe4<kChannel, false>(src, to + j * S_k, nullptr, S_k, k, decay, rows.decay1[t], d, next,
                                                      m + j, r + j);
                    else if (kept.past)
                        Update4<kChannel, true>(src, place + j * S_k, S_k, k, decay, rows.decay1[t], d);
                    else
                        Update4<kChannel, false>(src, to + j * S_k, S_k, k, decay, rows.decay1[t], d);
                }
                from = to;
            }
        }
    }
}

/// Columns [begin, begin + columns) of one value head over tokens [t0, t1). `slot(t)`: where the head's state goes after
/// token t, kept and not past the caches for the last token of a tile but the last; `state`: where it is before token t0.
template <class Params, class Slot>
void ExactTokens(const RowSource<Params>& source, const float* state, const Slot& slot, int64_t t0, int64_t t1,
                 int64_t begin, int64_t columns) {
    WithSize(source.p.S_k, [&](auto S_k) {
        if (source.p.gate == 1) ExactColumns<false>(source, S_k, state, slot, t0, t1, begin, columns);
        else ExactColumns<true>(source, S_k, state, slot, t0, t1, begin, columns);
    });
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
