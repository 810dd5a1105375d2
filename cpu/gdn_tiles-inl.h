// The sums of Probe4 for many rows at once, as a matrix product with tokens in lanes: no sum across lanes, two loads of
// rows and one broadcast of a state element serve eight multiply-adds.
//
// The bits are those of Probe4. There, lane l of an accumulator runs over the channels l, l + kLanes, ... and Sums adds
// the lanes up in a tree. Here, the same chains run one after the other, in the order in which the tree wants them: the
// residues mod kLanes with their binary digits reversed. So a chain is added to the ones before it like a carry: level by
// level, as long as there is a sum of the same size.
#if defined(REWIND_CPU_GDN_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_TILES_INL_H
#undef REWIND_CPU_GDN_TILES_INL_H
#else
#define REWIND_CPU_GDN_TILES_INL_H
#endif

#include "cpu/gdn_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// The residue whose chain is the v-th.
HWY_INLINE int64_t Residue(int64_t v) {
    int64_t r = 0;
    for (int64_t bit = 1, place = kLanes / 2; place > 0; bit *= 2, place /= 2) r += v & bit ? place : 0;
    return r;
}

/// Rows as Tile wants them: two vectors of rows (one, when no more are left) after the other, in each of them the channels
/// in the order of the chains. row(p): row p of `rows`. Lanes past the last row get row 0.
template <class Row>
void PackRows(float* HWY_RESTRICT to, int64_t rows, int64_t S_k, const Row& row) {
    const int64_t steps = S_k / kLanes;
    for (int64_t first = 0; first < rows; first += 2 * kLanes) {
        const int64_t pitch = rows - first > kLanes ? 2 * kLanes : kLanes;
        for (int64_t p = 0; p < pitch; p += 4) {
            const float* from[4];
            for (int64_t u = 0; u < 4; ++u) from[u] = row(first + p + u < rows ? first + p + u : 0);
            for (int64_t step = 0; step < steps; ++step) {
                const int64_t i = step * kLanes;
                Transpose4(hn::Load(f32, from[0] + i), hn::Load(f32, from[1] + i), hn::Load(f32, from[2] + i),
                           hn::Load(f32, from[3] + i), [&](int64_t lane, auto four) {
                               hn::Store(four, f32x4, to + (Residue(lane) * steps + step) * pitch + p);
                           });
            }
        }
        to += pitch * S_k;
    }
}

/// The dot products of kColumns columns at S with kVecs vectors of packed rows: to[row * pitch + column].
template <int kVecs, int kColumns, class Size>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT S, Size S_k, const float* HWY_RESTRICT packed, float* HWY_RESTRICT to,
                     int64_t pitch) {
    constexpr int kSums = kColumns * kVecs;
    HWY_ALIGN float part[4 * kSums * kLanes];  // sums of 1, 2, 4, 8 chains that wait for their like
    Vec sum[kSums];
    for (int64_t v = 0; v < kLanes; ++v) {
        const float* s = S + Residue(v);
        Ask(S + kColumns * S_k + v * kColumns * S_k / kLanes, kColumns * S_k / kLanes);  // a part of the next columns
        for (int u = 0; u < kSums; ++u) sum[u] = hn::Zero(f32);
#pragma GCC unroll 16
        for (int64_t i = 0; i < S_k / kLanes; ++i) {
            Vec rows[kVecs];
            for (int u = 0; u < kVecs; ++u) rows[u] = hn::Load(f32, packed + u * kLanes);
            packed += kVecs * kLanes;
            for (int c = 0; c < kColumns; ++c) {
                const Vec x = hn::Set(f32, s[c * S_k + i * kLanes]);
                for (int u = 0; u < kVecs; ++u) sum[c * kVecs + u] = hn::MulAdd(x, rows[u], sum[c * kVecs + u]);
            }
        }
        float* like = part;
        for (int64_t carry = v; carry & 1; carry >>= 1, like += kSums * kLanes)
            for (int u = 0; u < kSums; ++u) sum[u] = hn::Add(hn::Load(f32, like + u * kLanes), sum[u]);
        if (v + 1 < kLanes)
            for (int u = 0; u < kSums; ++u) hn::Store(sum[u], f32, like + u * kLanes);
    }
    for (int u = 0; u < kVecs; ++u)
        for (int c = 0; c < kColumns; c += 4)
            Transpose4(sum[c * kVecs + u], sum[(c + 1) * kVecs + u], sum[(c + 2) * kVecs + u], sum[(c + 3) * kVecs + u],
                       [&](int64_t lane, auto four) {
                           hn::StoreU(four, f32x4, to + (u * kLanes + lane) * pitch + c);
                       });
}

/// The dot products of `columns` columns at S, a multiple of 8, with all packed rows: to[row * pitch + column], also for
/// the lanes past the last row.
template <class Size>
void Tiles(const float* S, Size S_k, int64_t columns, const float* packed, int64_t rows, float* to, int64_t pitch) {
    constexpr int kWide = kLanes == 16 ? 8 : 4;  // two vectors of rows: as many sums as stay in registers
    if (rows <= kLanes) {
        for (int64_t j = 0; j < columns; j += 8) Tile<1, 8>(S + j * S_k, S_k, packed, to + j, pitch);
        return;
    }
    for (int64_t j = 0; j < columns; j += kWide) {
        int64_t first = 0;
        for (; rows - first > kLanes; first += 2 * kLanes)
            Tile<2, kWide>(S + j * S_k, S_k, packed + first * S_k, to + first * pitch + j, pitch);
        if (first < rows) Tile<1, kWide>(S + j * S_k, S_k, packed + first * S_k, to + first * pitch + j, pitch);
    }
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
