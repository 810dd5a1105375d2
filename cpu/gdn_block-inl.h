// A block of tokens against one base state, the update of the state delayed to the block's end: the kernel of
// GATED_DELTA_NET_RING (blocks of W positions) and of the prefill path (the WY form in chunks of kChunk tokens).
//
// With S a column of the base, w and s counting tokens from the block's start, a_w the decay of token w, n tokens, and
// D(w, s) = a_{s+1} .. a_w:
//
//   m_w = D(w,-1) S.k_w + sum_{s<w}  D(w,s) (k_s . k_w) d_s       d_w = beta_w (v_w - m_w)
//   o_w = scale (D(w,-1) S.q_w + sum_{s<=w} D(w,s) (k_s . q_w) d_s)
//   S'  = D(n-1,-1) S + sum_s D(n-1,s) k_s d_s                    once the block is complete
//
// with the decays inside the dot products when the gate is per channel. The triangular system is solved forward, row by
// row: an inverse by powers overflows with correlated keys. Decays are products over just the tokens between, never
// quotients or differences of longer sums: no gate can make them overflow or cancel.
//
// Bits depend on a token's place in its block and on the data: each sum has one order (key channels in one vector
// accumulator, tokens from the oldest on), and tokens of earlier calls come back as the rows (k, d, log decay) they left.
#if defined(REWIND_CPU_GDN_BLOCK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_BLOCK_INL_H
#undef REWIND_CPU_GDN_BLOCK_INL_H
#else
#define REWIND_CPU_GDN_BLOCK_INL_H
#endif

#include "cpu/gdn_block.h"
#include "cpu/gdn_columns-inl.h"
#include "cpu/gdn_rows-inl.h"
#include "cpu/gdn_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// Tokens [begin, end) of a block are computed; those before come as rows. Token `begin` is row `t` of the call.
struct Span {
    int64_t begin, end, t;
};

/// dk and dq of the span's tokens as a product of many rows wants them; few rows are taken as they are.
inline void PackSpan(GdnBlock& x, const Span& span) {
    const int64_t n = span.end - span.begin;
    if (2 * n < kLanes) return;
    PackRows(x.packed, 2 * n, x.S_k, [&](int64_t p) {
        return p < n ? x.dk + (span.begin + p) * x.S_k : x.dq + (span.begin + p - n) * x.S_k;
    });
}

/// The dot products of columns at S, a multiple of 8, with dk and dq of the span's tokens.
template <class Size>
HWY_INLINE void Products(const GdnBlock& x, const Span& span, const float* S, Size S_k, int64_t columns, float* to,
                         int64_t pitch) {
    const int64_t n = span.end - span.begin;
    if (2 * n >= kLanes) return Tiles(S, S_k, columns, x.packed, 2 * n, to, pitch);
    for (int64_t j = 0; j < columns; j += 4) {
        Ask(S + (j + 8) * S_k, 4 * S_k);
        for (int64_t w = 0; w < n; ++w) {
            const int64_t row = (span.begin + w) * S_k;
            Probe4(S + j * S_k, S_k, x.dk + row, x.dq + row, 1, to + w * pitch + j, to + (n + w) * pitch + j);
        }
    }
}

/// k and q rows and, for a scalar gate, their dot products: once for all value heads of a key head. old_k(s): the row
/// that token s left.
template <class Source, class OldRow>
void BlockKeys(GdnBlock& x, const Span& span, const Source& source, const OldRow& old_k) {
    const int64_t S_k = x.S_k, whole = (span.end + 7) / 8 * 8;
    for (int64_t s = 0; s < span.begin; ++s) Convert(x.k + s * S_k, old_k(s), 0, S_k, RW_F32);
    for (int64_t w = span.begin; w < span.end; ++w) {
        source.Key(x.k + w * S_k, span.t + w - span.begin);
        source.Query(x.q + w * S_k, span.t + w - span.begin);
    }
    if (x.channel) return;
    std::fill(x.k + span.end * S_k, x.k + whole * S_k, 0.0f);  // rows are taken eight at a time
    PackSpan(x, span);
    WithSize(S_k, [&](auto size) { Products(x, span, x.k, size, whole, x.dots, x.pitch); });
}

/// Coefficients for a scalar decay: products of decays times dot products. D(w, s) grows from the oldest token on.
inline void ScalarCoefficients(GdnBlock& x, const Span& span) {
    float back = 1;
    std::fill(x.D, x.D + x.pitch, 0.0f);
    for (int64_t w = 0; w < span.end; ++w) {
        const Vec a = hn::Set(f32, x.decay[w]), now = hn::Set(f32, float(w)), one = hn::Set(f32, 1.0f);
        const float* kk = x.dots + (w - span.begin) * x.pitch;
        const float* qk = kk + (span.end - span.begin) * x.pitch;
        for (int64_t s = 0; s <= w; s += kLanes) {
            const auto diagonal = hn::Eq(hn::Iota(f32, float(s)), now);
            const Vec D = hn::IfThenElse(diagonal, one, hn::Mul(a, hn::Load(f32, x.D + s)));
            hn::Store(D, f32, x.D + s);
            if (w < span.begin) continue;
            hn::Store(hn::Mul(D, hn::Load(f32, kk + s)), f32, x.cm + w * x.pitch + s);
            hn::Store(hn::Mul(D, hn::Load(f32, qk + s)), f32, x.co + w * x.pitch + s);
        }
        x.back[w] = back *= x.decay[w];
    }
}

/// dk . k, dq . k for the rows [w, w + kRows) and then one decay more on dk and dq. Column s of cm and co.
template <int kRows>
HWY_NOINLINE void DecayedDots(GdnBlock& x, int64_t w, int64_t s) {
    Vec m[kRows], r[kRows];
    for (int u = 0; u < kRows; ++u) m[u] = r[u] = hn::Zero(f32);
    for (int64_t i = 0; i < x.S_k; i += kLanes) {
        const Vec ks = hn::Load(f32, x.k + s * x.S_k + i), a = hn::Load(f32, x.decay + s * x.S_k + i);
        for (int u = 0; u < kRows; ++u) {
            float *dk = x.dk + (w + u) * x.S_k + i, *dq = x.dq + (w + u) * x.S_k + i;
            const Vec k = hn::Load(f32, dk), q = hn::Load(f32, dq);
            m[u] = hn::MulAdd(ks, k, m[u]), r[u] = hn::MulAdd(ks, q, r[u]);
            hn::Store(hn::Mul(a, k), f32, dk), hn::Store(hn::Mul(a, q), f32, dq);
        }
    }
    HWY_ALIGN float sum[8];
    hn::Store(Sums(m[0], m[1 % kRows], m[2 % kRows], m[3 % kRows]), f32x4, sum);
    hn::Store(Sums(r[0], r[1 % kRows], r[2 % kRows], r[3 % kRows]), f32x4, sum + 4);
    for (int u = 0; u < kRows; ++u) x.cm[(w + u) * x.pitch + s] = sum[u], x.co[(w + u) * x.pitch + s] = sum[4 + u];
}

/// Coefficients for per-channel decays: dk and dq walk back from their token to the base.
inline void ChannelCoefficients(GdnBlock& x, const Span& span) {
    const int64_t first = span.begin * x.S_k, rows = (span.end - span.begin) * x.S_k;
    Convert(x.dk + first, x.k, first, rows, RW_F32), Convert(x.dq + first, x.q, first, rows, RW_F32);
    for (int64_t s = span.end - 1; s >= 0; --s) {
        int64_t w = std::max(s, span.begin);
        for (; w + 4 <= span.end; w += 4) DecayedDots<4>(x, w, s);
        for (; w < span.end; ++w) DecayedDots<1>(x, w, s);
    }
    std::fill(x.back + span.begin, x.back + span.end, 1.0f);
    PackSpan(x, span);
}

/// Decays to the end of n tokens. A scalar one goes to the d rows: D is known from the coefficients.
inline void FoldRows(GdnBlock& x, int64_t n) {
    std::fill(x.fold_decay, x.fold_decay + x.S_k, x.channel ? 1.0f : x.back[n - 1]);
    for (int64_t s = n - 1; s >= 0 && x.channel; --s)
        for (int64_t i = 0; i < x.S_k; i += kLanes) {
            const Vec D = hn::Load(f32, x.fold_decay + i);
            hn::Store(hn::Mul(D, hn::Load(f32, x.k + s * x.S_k + i)), f32, x.fold + s * x.S_k + i);
            hn::Store(hn::Mul(D, hn::Load(f32, x.decay + s * x.S_k + i)), f32, x.fold_decay + i);
        }
}

/// Decays of the tokens before the span, from the log decays that they left.
template <class OldRow>
void OldDecays(GdnBlock& x, int64_t n, const OldRow& old_g) {
    for (int64_t s = 0; s < n; ++s) {
        if (x.channel) Convert(x.log_decay + s * x.S_k, old_g(s), 0, x.S_k, RW_F32);
        else x.log_decay[s] = *old_g(s);
    }
}

inline void ExpDecays(GdnBlock& x, int64_t n) {
    if (!x.channel) std::fill(x.log_decay + n, x.log_decay + (n + 15) / 16 * 16, 0.0f);
    ExpRow(x.decay, x.log_decay, x.channel ? n * x.S_k : (n + 15) / 16 * 16);
}

/// What a value head adds to BlockKeys: decays, beta and all coefficients. old_g(s): the log decay row of token s.
template <class Source, class OldRow>
void BlockHead(GdnBlock& x, const Span& span, const Source& source, const OldRow& old_g) {
    const int64_t n = span.end - span.begin;
    HWY_ALIGN float beta[64], log_decay[64];
    source.Gates(beta, log_decay, span.t, n);
    std::copy(beta, beta + n, x.beta + span.begin);
    OldDecays(x, span.begin, old_g);
    if (x.channel)
        for (int64_t w = 0; w < n; ++w) source.ChannelGate(x.log_decay + (span.begin + w) * x.S_k, span.t + w);
    else
        std::copy(log_decay, log_decay + n, x.log_decay + span.begin);
    ExpDecays(x, span.end);
    if (x.channel) ChannelCoefficients(x, span);
    else ScalarCoefficients(x, span);
    if (span.end == x.W) FoldRows(x, x.W);
}

/// The triangular solve and the outputs of kColumns columns from S.dk and S.dq. out(w): their place in row w.
template <int64_t kColumns, class Out>
HWY_NOINLINE void SolveColumns(GdnBlock& x, const Span& span, float scale, const Out& out) {
    constexpr int kVecs = int(kColumns / kLanes);
    for (int64_t w = span.begin; w < span.end; ++w) {
        const float *cm = x.cm + w * x.pitch, *co = x.co + w * x.pitch;
        const float *Sk = x.sums + (w - span.begin) * kColumns, *Sq = Sk + (span.end - span.begin) * kColumns;
        const Vec back = hn::Set(f32, x.back[w]), beta = hn::Set(f32, x.beta[w]), by = hn::Set(f32, scale);
        Vec m[kVecs], o[kVecs];
        for (int u = 0; u < kVecs; ++u) {
            m[u] = hn::Mul(back, hn::Load(f32, Sk + u * kLanes));
            o[u] = hn::Mul(back, hn::Load(f32, Sq + u * kLanes));
        }
        for (int64_t s = 0; s < w; ++s) {
            const Vec cms = hn::Set(f32, cm[s]), cos = hn::Set(f32, co[s]);
            for (int u = 0; u < kVecs; ++u) {
                const Vec d = hn::Load(f32, x.d + s * kColumns + u * kLanes);
                m[u] = hn::MulAdd(cms, d, m[u]), o[u] = hn::MulAdd(cos, d, o[u]);
            }
        }
        const Vec last = hn::Set(f32, co[w]);
        for (int u = 0; u < kVecs; ++u) {
            const Vec d = hn::Mul(beta, hn::Sub(hn::Load(f32, x.v + w * kColumns + u * kLanes), m[u]));
            hn::Store(d, f32, x.d + w * kColumns + u * kLanes);
            hn::StoreU(hn::Mul(by, hn::MulAdd(last, d, o[u])), f32, out(w) + u * kLanes);
        }
    }
}

/// The rows of d, decayed to the end, folded into kColumns columns: d does not survive it.
template <int64_t kColumns>
HWY_INLINE void FoldColumns(GdnBlock& x, int64_t n, const float* base, float* to) {
    const int64_t S_k = x.S_k;
    for (int64_t s = 0; s < n && !x.channel; ++s)
        for (float* d = x.d + s * kColumns; d < x.d + (s + 1) * kColumns; d += kLanes)
            hn::Store(hn::Mul(hn::Set(f32, x.D[s]), hn::Load(f32, d)), f32, d);
    for (int64_t j = 0; j < kColumns; j += 4) {
        if (S_k >= 2 * kLanes)
            Fold4<2>(base + j * S_k, to + j * S_k, S_k, x.fold_decay, x.fold, x.d + j, kColumns, n);
        else
            Fold4<1>(base + j * S_k, to + j * S_k, S_k, x.fold_decay, x.fold, x.d + j, kColumns, n);
    }
}

/// The span's tokens for columns [c, c + kColumns) of a head. base: the head's state at the block's start; next: where its
/// state at the block's end goes (may be base), unused when the span does not complete the block. old_d(s): the d row that
/// token s left; new_d(w): where token w leaves its own, or null.
template <int64_t kColumns, class Source, class OldRow, class NewRow>
void BlockColumns(GdnBlock& x, const Span& span, const Source& source, int64_t c, const float* base, float* next,
                  const OldRow& old_d, const NewRow& new_d) {
    const int64_t S_k = x.S_k;
    base += c * S_k;
    source.AskValue(span.t, span.end - span.begin, c, kColumns);
    WithSize(S_k, [&](auto size) { Products(x, span, base, size, kColumns, x.sums, kColumns); });
    for (int64_t s = 0; s < span.begin; ++s) Convert(x.d + s * kColumns, old_d(s) + c, 0, kColumns, RW_F32);
    for (int64_t w = span.begin; w < span.end; ++w)
        source.Value(x.v + w * kColumns, span.t + w - span.begin, c, kColumns);
    SolveColumns<kColumns>(x, span, source.p.scale, [&](int64_t w) { return source.Out(span.t + w - span.begin) + c; });
    for (int64_t w = span.begin; w < span.end; ++w)
        if (float* row = new_d(w)) Convert(row + c, x.d + w * kColumns, 0, kColumns, RW_F32);
    if (span.end == x.W) FoldColumns<kColumns>(x, x.W, base, next + c * S_k);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
