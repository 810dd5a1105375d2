// GATED_DELTA_NET_RING and GATED_DELTA_NET_MATERIALIZE on vectors: blocks of W positions through gdn_block-inl.h.
//
// A worker has the value heads of a key head, or some of their columns: the base is read once a call and the next one
// written when its block is complete, straight into the slot where it belongs. A call that runs through more blocks than
// there are slots overwrites on its way what it replaces later in the same call, and nothing else.
#if defined(REWIND_CPU_GDN_RING_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_RING_INL_H
#undef REWIND_CPU_GDN_RING_INL_H
#else
#define REWIND_CPU_GDN_RING_INL_H
#endif

#include "cpu/gdn_block-inl.h"
#include "cpu/ring.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// The tokens of one sequence, columns [begin, begin + columns) of the value heads that share a key head. head(i): the
/// i-th of `heads` RowSources.
template <class Params, class Head>
void RingTokens(GdnBlock& x, const Ring<Params>& ring, const Sequence& s, int64_t pos, int64_t heads, const Head& head,
                int64_t begin, int64_t columns) {
    const int64_t W = ring.p.W, end = pos + s.n, oldest = ring.oldest(end);
    for (int64_t block = pos / W; block * W < end; ++block) {
        const int64_t b0 = block * W, first = std::max(pos, b0);
        const Span span{first - b0, std::min(end, b0 + W) - b0, first - pos};
        const auto old_k = [&](int64_t w) { return ring.k(s.row, b0 + w, head(0).kh); };
        BlockKeys(x, span, head(0), old_k);
        for (int64_t i = 0; i < heads; ++i) {
            const auto source = head(i);
            const int64_t h = source.h;
            const auto old_g = [&](int64_t w) { return ring.g(s.row, b0 + w, h); };
            const auto old_d = [&](int64_t w) { return ring.d(s.row, b0 + w, h); };
            const auto new_d = [&](int64_t w) { return b0 + w >= oldest ? ring.d(s.row, b0 + w, h) : nullptr; };
            const float* base = ring.base(s.row, block, h);
            float* next = ring.base(s.row, block + 1, h);
            BlockHead(x, span, source, old_g);
            for (int64_t c = begin; c < begin + columns; c += kBlockColumns) {
                if (columns >= kBlockColumns) BlockColumns<kBlockColumns>(x, span, source, c, base, next, old_d, new_d);
                else BlockColumns<16>(x, span, source, c, base, next, old_d, new_d);
            }
        }
    }
}

/// Leaves the k and log decay rows of a call's tokens, as far as they are kept.
template <class Params, class Head>
void RingRows(const Ring<Params>& ring, const Sequence& s, int64_t pos, int64_t heads, const Head& head) {
    const int64_t oldest = std::max<int64_t>(0, ring.oldest(pos + s.n) - pos);
    for (int64_t t = oldest; t < s.n; ++t) head(0).Key(ring.k(s.row, pos + t, head(0).kh), t);
    for (int64_t i = 0; i < heads; ++i) {
        const auto source = head(i);
        for (int64_t t = oldest; t < s.n; t += 16) {
            const int64_t n = std::min<int64_t>(16, s.n - t);
            HWY_ALIGN float beta[16], log_decay[16];
            if (ring.p.gate == 1) source.Gates(beta, log_decay, t, n);
            for (int64_t u = 0; u < n; ++u) {
                float* to = ring.g(s.row, pos + t + u, source.h);
                if (ring.p.gate == 1) *to = log_decay[u];
                else source.ChannelGate(to, t + u);
            }
        }
    }
}

/// Columns [begin, begin + columns) of a head's state after the positions < pos.
template <class Params>
void RingState(GdnBlock& x, const Ring<Params>& ring, int64_t row, int64_t pos, int64_t h, float* state, int64_t begin,
               int64_t columns) {
    const int64_t S_k = x.S_k, b0 = pos / x.W * x.W, n = pos - b0;
    const float* base = ring.base(row, pos / x.W, h);
    if (n == 0) return Convert(state + begin * S_k, base, begin * S_k, columns * S_k, RW_F32);
    for (int64_t s = 0; s < n; ++s) Convert(x.k + s * S_k, ring.k(row, b0 + s, ring.k_head(h)), 0, S_k, RW_F32);
    OldDecays(x, n, [&](int64_t s) { return ring.g(row, b0 + s, h); });
    ExpDecays(x, n);
    if (!x.channel) ScalarCoefficients(x, {n, n, 0});
    FoldRows(x, n);
    for (int64_t c = begin; c < begin + columns; c += 16) {
        for (int64_t s = 0; s < n; ++s) Convert(x.d + s * 16, ring.d(row, b0 + s, h) + c, 0, 16, RW_F32);
        FoldColumns<16>(x, n, base + c * S_k, state + c * S_k);
    }
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
