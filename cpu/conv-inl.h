// The Highway kernel of both causal convolutions (rewind/ops/causal_conv1d.h). Lanes are channels, so a token's inputs
// and outputs are plain vectors; what is kept by channel (weights, slot states) is transposed on the way in and out.
// Tokens go in tiles: for one vector of channels the weights and the window stay in registers over a tile.
//
// A History says where the inputs before the call are and where inputs are kept:
//   load<n>(d, c, v)       the n inputs before the call
//   place(t)               where to keep what follows from token t, or -1
//   keep(d, place, c, v)   v: the last d_conv - 1 inputs
#if defined(REWIND_CPU_CONV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_CONV_INL_H_
#undef REWIND_CPU_CONV_INL_H_
#else
#define REWIND_CPU_CONV_INL_H_
#endif

#include "cpu/conv.h"
#include "cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

using One = hn::CappedTag<float, 1>;

/// x / (1 + e^-x)
template <class D>
HWY_INLINE hn::Vec<D> Silu(D d, hn::Vec<D> x) {
    if constexpr (std::is_same_v<D, F32>) return hn::Mul(x, Sigmoid(x));
    else return hn::Set(d, hn::GetLane(Silu(f32, hn::Set(f32, hn::GetLane(x)))));  // there is one exp, that of vectors
}

constexpr int64_t kConvTile = RW_CONV_MAX_TAPS - 1;  // tokens; at least a window, so only the first tile needs history

/// v[j], lane i = p[n i + j].
template <int n, class D, class V = hn::Vec<D>>
HWY_INLINE void LoadColumns(D d, const float* p, V (&v)[n]) {
    if constexpr (hn::MaxLanes(D()) == 1) {
        for (int j = 0; j < n; ++j) v[j] = hn::Set(d, p[j]);
    } else if constexpr (n == 1) {
        v[0] = hn::LoadU(d, p);
    } else if constexpr (n == 2) {
        hn::LoadInterleaved2(d, p, v[0], v[1]);
    } else if constexpr (n == 3) {
        hn::LoadInterleaved3(d, p, v[0], v[1], v[2]);
    } else if constexpr (n == 4) {
        hn::LoadInterleaved4(d, p, v[0], v[1], v[2], v[3]);
    } else {
        const hn::RebindToSigned<D> di;
        const auto index = hn::Mul(hn::Iota(di, 0), hn::Set(di, n));
        for (int j = 0; j < n; ++j) v[j] = hn::GatherIndex(d, p + j, index);
    }
}

/// The inverse; V may have more entries than n.
template <int n, class D, class V = hn::Vec<D>>
HWY_INLINE void StoreColumns(D d, const V* v, float* p) {
    if constexpr (hn::MaxLanes(D()) == 1) {
        for (int j = 0; j < n; ++j) p[j] = hn::GetLane(v[j]);
    } else if constexpr (n == 1) {
        hn::StoreU(v[0], d, p);
    } else if constexpr (n == 2) {
        hn::StoreInterleaved2(v[0], v[1], d, p);
    } else if constexpr (n == 3) {
        hn::StoreInterleaved3(v[0], v[1], v[2], d, p);
    } else if constexpr (n == 4) {
        hn::StoreInterleaved4(v[0], v[1], v[2], v[3], d, p);
    } else {
        const hn::RebindToSigned<D> di;
        const auto index = hn::Mul(hn::Iota(di, 0), hn::Set(di, n));
        for (int j = 0; j < n; ++j) hn::ScatterIndex(v[j], d, p + j, index);
    }
}

template <class D>
HWY_INLINE hn::Vec<D> LoadInput(D d, const ConvSequence& s, int64_t t, int64_t c) {
    const std::byte* row = s.x + t * s.x_row;
    if (s.type == RW_F32) return hn::LoadU(d, reinterpret_cast<const float*>(row) + c);
    if (s.type == RW_F16) return LoadHalves(d, reinterpret_cast<const uint16_t*>(row) + c);
    const hn::Rebind<uint16_t, D> du;
    const hn::Rebind<uint32_t, D> dw;
    const auto bits = hn::PromoteTo(dw, hn::LoadU(du, reinterpret_cast<const uint16_t*>(row) + c));
    return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

/// One vector of channels at c, tokens t0 .. t1 - 1. place: of each token of the tile.
template <int taps, class D, class History>
HWY_INLINE void ConvVector(D d, const ConvSequence& s, const History& history, int64_t c, int64_t t0, int64_t t1,
                            const int64_t* place) {
    using V = hn::Vec<D>;
    V w[taps], x[taps];
    LoadColumns<taps>(d, s.weight + c * taps, w);
    if (t0 == 0)
        history.template load<taps - 1>(d, c, x);
    else
        for (int j = 0; j < taps - 1; ++j) x[j] = LoadInput(d, s, t0 - (taps - 1) + j, c);
    const V bias = s.bias ? hn::LoadU(d, s.bias + c) : hn::Zero(d);
    for (int64_t t = t0; t < t1; ++t) {
        x[taps - 1] = LoadInput(d, s, t, c);
        V y = bias;
        for (int j = 0; j < taps; ++j) y = hn::MulAdd(w[j], x[j], y);
        if (s.silu) y = Silu(d, y);
        hn::StoreU(y, d, s.out + t * s.out_row + c);
        for (int j = 0; j + 1 < taps; ++j) x[j] = x[j + 1];
        if (place[t - t0] >= 0) history.template keep<taps - 1>(d, place[t - t0], c, x);
    }
}

/// Channels begin .. end - 1 of one sequence, all its tokens.
template <int taps, class History>
void ConvChannels(const ConvSequence& s, const History& history, int64_t begin, int64_t end) {
    for (int64_t t0 = 0; t0 < s.n; t0 += kConvTile) {
        const int64_t t1 = std::min(t0 + kConvTile, s.n);
        int64_t place[kConvTile], c = begin;
        for (int64_t t = t0; t < t1; ++t) place[t - t0] = history.place(t);
        for (; c + kLanes <= end; c += kLanes) ConvVector<taps>(f32, s, history, c, t0, t1, place);
        for (; c < end; ++c) ConvVector<taps>(One(), s, history, c, t0, t1, place);
    }
}

/// ConvChannels for the number of taps in p.
template <class Params, class History>
void ConvChannels(const Params& p, const ConvSequence& s, const History& history, int64_t begin, int64_t end) {
    switch (p.d_conv) {
        case 2: return ConvChannels<2>(s, history, begin, end);
        case 3: return ConvChannels<3>(s, history, begin, end);
        case 4: return ConvChannels<4>(s, history, begin, end);
        case 5: return ConvChannels<5>(s, history, begin, end);
        case 6: return ConvChannels<6>(s, history, begin, end);
        case 7: return ConvChannels<7>(s, history, begin, end);
        case 8: return ConvChannels<8>(s, history, begin, end);
        default: return ConvChannels<9>(s, history, begin, end);
    }
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
