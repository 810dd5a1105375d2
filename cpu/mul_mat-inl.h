// Rows of weights times rows of activations on Highway vectors, for MUL_MAT and MUL_MAT_ID. Included once per target: no
// #pragma once.
//
// An element of out is one vector of partial sums, to which the products of kLanes neighbouring k are added in the order
// of k, and whose lanes are added last in a fixed tree. Of types with one scale a block (kOneScale: not on vectors of
// sixteen lanes), the products with a block's numbers are added up first and go into the sum times that scale. Nothing
// else decides the bits: which rows of w and x share a register tile, where k is cut into chunks and which thread works on
// it are a matter of speed.
//
// A tile is a few rows of w and up to eight of x, as many as registers hold sums for: a weight becomes f32 in a register and
// meets all rows of x of its tile. A unit of work is some rows of w and up to 48 of x; it goes through k in chunks whose
// weights and activations stay in the first caches while its tiles pass over them, so memory is read once.
#if defined(REWIND_CPU_MUL_MAT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_MUL_MAT_INL_H
#undef REWIND_CPU_MUL_MAT_INL_H
#else
#define REWIND_CPU_MUL_MAT_INL_H
#endif

#include <hwy/cache_control.h>

#include <algorithm>
#include <cstring>

#include "cpu/wide_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

constexpr int64_t kTail = 32;              // elements that a K which is no multiple of it is filled up with
constexpr int64_t kMostTile = 8;           // rows of x in one tile ...
constexpr int64_t kMostRowTile = 6;        // ... with one row of w, which needs two sums for each
constexpr int64_t kUnitWeights = 1 << 16;  // of a unit of work, about

constexpr int kRegisters = kWide ? 32 : 16;

/// What is kept in a register: GCC would load it again for every multiplication.
HWY_INLINE void Keep([[maybe_unused]] Vec& v) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
    asm("" : "+v"(v.raw));
#endif
}

/// sums[r][n] += products of `blocks` blocks of NB rows of w and RB rows of x; a sum is a vector. Rows of w are short for
/// the prefetchers of a CPU: what lies `ahead` bytes further, in the rows of the tile after this, is asked for. Whole rows
/// are asked for from the first line to the last, as prefetchers follow them best.
template <class Format, int NB, int RB>
HWY_INLINE void Tile(const uint8_t* const* w, const float* const* x, int64_t blocks, int64_t ahead, float* sums,
                     int64_t sums_row) {
    Vec acc[NB][RB];
    for (int n = 0; n < NB; ++n)
        for (int r = 0; r < RB; ++r) acc[n][r] = hn::LoadU(f32, sums + r * sums_row + n * kLanes);
    typename Format::State state[NB];
    const float* from[RB];
    for (int r = 0; r < RB; ++r) from[r] = x[r];
    const bool whole = 4 * blocks * Format::kBytes == ahead;
    const uint8_t* next[NB];
    for (int n = 0; n < NB; ++n) next[n] = ahead + (whole ? w[0] + n * Format::kBytes : w[n]);
    for (int64_t b = 0; b < blocks; ++b) {
        for (int n = 0; n < NB; ++n) {
            for (int64_t line = 0; line < Format::kBytes; line += 64) hwy::Prefetch(next[n] + line);
            next[n] += whole ? NB * Format::kBytes : Format::kBytes;
            Format::Open(w[n] + b * Format::kBytes, state[n]);
        }
        for (int group = 0; group < Format::kBlock; group += Format::kGroup) {
#pragma GCC unroll 8
            for (int i = 0; i < Format::kGroup; i += int(kLanes)) {
                const int64_t k = b * Format::kBlock + group + i;
                const auto weight = [&](int n) HWY_ATTR {
                    return Format::Weight(w[n] + b * Format::kBytes, state[n], group, i);
                };
                if constexpr (RB <= 4) {  // whichever is fewer stays in registers
                    Vec row[RB];
                    for (int r = 0; r < RB; ++r) {
                        row[r] = hn::LoadU(f32, from[r] + k);
                        if constexpr (NB > 1 && NB * RB + RB + 2 <= kRegisters) Keep(row[r]);
                    }
                    for (int n = 0; n < NB; ++n) {
                        const Vec one = weight(n);
                        for (int r = 0; r < RB; ++r) acc[n][r] = hn::MulAdd(one, row[r], acc[n][r]);
                    }
                } else {
                    Vec one[NB];
                    for (int n = 0; n < NB; ++n) one[n] = weight(n);
                    for (int r = 0; r < RB; ++r) {
                        Vec row = hn::LoadU(f32, from[r] + k);
                        if constexpr (NB > 1) Keep(row);
                        for (int n = 0; n < NB; ++n) acc[n][r] = hn::MulAdd(one[n], row, acc[n][r]);
                    }
                }
            }
        }
    }
    for (int n = 0; n < NB; ++n)
        for (int r = 0; r < RB; ++r) hn::StoreU(acc[n][r], f32, sums + r * sums_row + n * kLanes);
}

/// The same of one row of w and RB of x, where blocks have one scale. Blocks do not wait for each other's sums, so one row
/// of w is enough to keep the CPU busy, and it is what prefetchers follow best.
template <class Format, int RB>
HWY_INLINE void RowTile(const uint8_t* w, const float* const* x, int64_t blocks, int64_t ahead, float* sums,
                        int64_t sums_row) {
    Vec acc[RB];
    for (int r = 0; r < RB; ++r) acc[r] = hn::LoadU(f32, sums + r * sums_row);
    const float* from[RB];
    for (int r = 0; r < RB; ++r) from[r] = x[r];
    typename Format::State state;
    for (int64_t b = 0; b < blocks; ++b, w += Format::kBytes) {
        hwy::Prefetch(w + ahead);
        Format::Open(w, state);
        Vec block[RB];
#pragma GCC unroll 8
        for (int i = 0; i < Format::kBlock; i += int(kLanes)) {
            const Vec number = Format::Number(w, state, i);
            for (int r = 0; r < RB; ++r) {
                const Vec row = hn::LoadU(f32, from[r] + b * Format::kBlock + i);
                block[r] = i == 0 ? hn::Mul(number, row) : hn::MulAdd(number, row, block[r]);
            }
        }
        const Vec scale = Format::Scale(w);
        for (int r = 0; r < RB; ++r) acc[r] = hn::MulAdd(block[r], scale, acc[r]);
    }
    for (int r = 0; r < RB; ++r) hn::StoreU(acc[r], f32, sums + r * sums_row);
}

using TileFunction = void (*)(const uint8_t* const*, const float* const*, int64_t, int64_t, float*, int64_t);

/// Rows of w in a tile with `rows` rows of x: as many as the sums leave registers for.
constexpr int WeightsOfTile(int rows) {
    if (kWide) return rows <= 5 ? 4 : 2;
    return rows <= 3 ? 4 : rows <= 6 ? 2 : 1;
}

/// w_row: bytes to the next row of w.
template <class Format, int RB>
void AnyTile(const uint8_t* const* w, const float* const* x, int64_t blocks, int64_t w_row, float* sums,
             int64_t sums_row) {
    constexpr int NB = WeightsOfTile(RB);
    if constexpr (Format::kOneScale)
        for (int n = 0; n < 4; ++n) RowTile<Format, RB>(w[n], x, blocks, 2 * w_row, sums + n * kLanes, sums_row);
    else
        for (int n = 0; n < 4; n += NB) Tile<Format, NB, RB>(w + n, x, blocks, 4 * w_row, sums + n * kLanes, sums_row);
}

/// Of four rows of w and 1 .. kMostTile rows of x.
template <class Format>
constexpr TileFunction kTiles[kMostTile + 1] = {nullptr,
                                                AnyTile<Format, 1>,
                                                AnyTile<Format, 2>,
                                                AnyTile<Format, 3>,
                                                AnyTile<Format, 4>,
                                                AnyTile<Format, 5>,
                                                AnyTile<Format, 6>,
                                                AnyTile<Format, 7>,
                                                AnyTile<Format, 8>};

/// Rows says what is multiplied: K, weights(n) and w_row bytes from one to the next, row(r), put(n, r, sum).
template <class Format, class Rows>
struct MulMatUnit {
    static constexpr int64_t kMostWeights = 32, kMostRows = 48;  // of a unit
    static constexpr int64_t kTileRows = Format::kOneScale ? kMostRowTile : kMostTile;
    const Rows& call;
    int64_t n0, n1, r0, r1;
    HWY_ALIGN float sums[kMostRows * kMostWeights * kLanes];  // Run() clears those that it needs

    MulMatUnit(const Rows& rows, int64_t n_begin, int64_t n_end, int64_t r_begin, int64_t r_end)
        : call(rows), n0(n_begin), n1(n_end), r0(r_begin), r1(r_end) {}

    int64_t sums_row() const { return (n1 - n0 + 3) / 4 * 4 * kLanes; }
    float* sum(int64_t r, int64_t n) { return sums + (r - r0) * sums_row() + (n - n0) * kLanes; }

    /// The blocks from element k on.
    void Chunk(int64_t k, int64_t blocks) {
        const int64_t tiles = (r1 - r0 + kTileRows - 1) / kTileRows;
        for (int64_t t = 0, r = r0; t < tiles; ++t) {
            const int64_t rows = (r1 - r + tiles - t - 1) / (tiles - t);
            const float* x[kTileRows];
            for (int64_t i = 0; i < rows; ++i) x[i] = call.row(r + i) + k;
            for (int64_t n = n0; n < n1; n += 4) {
                const uint8_t* w[4];  // past the last row of w the last again
                for (int64_t i = 0; i < 4; ++i)
                    w[i] = call.weights(std::min(n + i, n1 - 1)) + k / Format::kBlock * Format::kBytes;
                kTiles<Format>[rows](w, x, blocks, call.w_row, sum(r, n), sums_row());
            }
            r += rows;
        }
    }

    /// The last elements of a K that is no multiple of 32, filled up with zeros; only plain types have such a K.
    void Tail(int64_t k) {
        const int64_t left = call.K - k;
        const size_t element = Format::kBytes / Format::kBlock;
        HWY_ALIGN uint8_t weights[4][kTail * 4] = {};
        HWY_ALIGN float row[kTail] = {};
        const uint8_t* w4[4] = {weights[0], weights[1], weights[2], weights[3]};
        for (int64_t n = n0; n < n1; n += 4) {
            for (int64_t i = 0; i < 4; ++i)
                std::memcpy(weights[i], call.weights(std::min(n + i, n1 - 1)) + size_t(k) * element, size_t(left) * element);
            for (int64_t r = r0; r < r1; ++r) {
                std::copy_n(call.row(r) + k, left, row);
                const float* x = row;
                kTiles<Format>[1](w4, &x, 1, 0, sum(r, n), sums_row());
            }
        }
    }

    void Run() {
        std::fill_n(sums, (r1 - r0) * sums_row(), 0.0f);
        const int64_t whole = call.K / Format::kBlock * Format::kBlock;
        // So many elements of a tile's rows of x that they stay in the first-level cache while the unit's weights pass.
        const int64_t chunk = 4096 / std::min(r1 - r0, kTileRows) / 256 * 256;
        for (int64_t k = 0; k < whole; k += chunk) Chunk(k, std::min(chunk, whole - k) / Format::kBlock);
        if (whole < call.K) Tail(whole);
        for (int64_t r = r0; r < r1; ++r)
            for (int64_t n = n0; n < n1; n += 4) {
                const float* from = sum(r, n);
                const auto vec = [&](int64_t i) HWY_ATTR { return hn::LoadU(f32, from + i * kLanes); };
                float four[4];
                hn::StoreU(Sums(vec(0), vec(1), vec(2), vec(3)), f32x4, four);
                for (int64_t i = 0; i < std::min<int64_t>(4, n1 - n); ++i) call.put(n + i, r, four[i]);
            }
    }
};

/// How N rows of weights and R of activations are cut into units.
struct MulMatUnits {
    MulMatUnits(int64_t K, int64_t N, int64_t R) {
        constexpr int64_t most_weights = 32, most_rows = 48;
        const int64_t wanted = std::max<int64_t>(1, kUnitWeights / K) + 3;
        part = std::min<int64_t>(most_weights, wanted / 4 * 4), parts = (N + part - 1) / part;
        row_blocks = (R + most_rows - 1) / most_rows, rows = (R + row_blocks - 1) / row_blocks;
    }
    int64_t part, parts;       // rows of weights of a unit
    int64_t rows, row_blocks;  // rows of activations
};

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
