// MUL_MAT on the CPU. Equation and shapes: rewind/ops/mul_mat.h.
//
// cpu:avx512, cpu:avx2, ...  Highway, one a target
// cpu:plain                  scalar C++ for any CPU: a row of w at a time, expanded to f32
//
// An element of out is one vector of partial sums, to which the products of kLanes neighbouring k are added in the order
// of k, and whose lanes are added last in a fixed tree. Nothing else decides its bits: which rows of w and x share a
// register tile, where k is cut into chunks and which thread works on it are a matter of speed.
//
// A tile is a few rows of w and up to eight of x, as many as registers hold sums for: a weight becomes f32 in a register and
// meets all rows of x of its tile. A unit of work is some rows of w and up to 48 of x; it goes through k in chunks whose
// weights and activations stay in the first caches while its tiles pass over them, so memory is read once.
#include "rewind/ops/mul_mat.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/mul_mat.cpp"
#include <hwy/foreach_target.h>
#include <hwy/cache_control.h>

#include <algorithm>
#include <cstring>

#include "cpu/parallel.h"
#include "cpu/targets.h"

#ifndef REWIND_CPU_MUL_MAT_SHARED
#define REWIND_CPU_MUL_MAT_SHARED
namespace rw::cpu {

constexpr int64_t kTail = 32;          // elements that a K which is no multiple of it is filled up with
constexpr int64_t kMostTile = 8;       // rows of x in one tile
constexpr int64_t kUnitWeights = 1 << 16;  // of a unit of work, about
constexpr int64_t kCopyFrom = 5;       // rows of x from which they are copied to where they do not meet in the cache

/// The rows of a call.
struct MulMatRows {
    explicit MulMatRows(const Launch& launch)
        : p(launch.as<ops::mul_mat::Params>()), w(launch.at<const uint8_t>(ops::mul_mat::arg::w)),
          x(launch.at<const float>(ops::mul_mat::arg::x)), x_row(p.x_1), out(launch.at<float>(ops::mul_mat::arg::out)),
          add(p.has_add ? launch.at<const float>(ops::mul_mat::arg::add) : nullptr),
          type(info(Type(p.w_type))), w_row(int64_t(p.w_1) * type.bytes) {}

    const uint8_t* weights(int64_t n) const { return w + n * w_row; }
    const float* row(int64_t r) const { return x + r * x_row; }
    void put(int64_t n, int64_t r, float sum) const {
        out[r * p.o_1 + n] = add ? sum + add[r * p.a_1 + n] : sum;
    }

    const ops::mul_mat::Params& p;
    const uint8_t* w;
    const float* x;
    int64_t x_row;  // floats
    float* out;
    const float* add;
    const TypeInfo& type;
    int64_t w_row;  // bytes
};

/// Floats between the copies of rows of x. Rows that are a power of two apart, as most are, share a few sets of the
/// first-level cache; these lie a quarter of its way apart.
inline int64_t mul_mat_copy_row(int64_t K) { return (K + 1023) / 1024 * 1024 + 256; }

inline size_t mul_mat_scratch(const void* params) {
    const auto& p = *static_cast<const ops::mul_mat::Params*>(params);
    return p.R < kCopyFrom ? 0 : size_t(p.R * mul_mat_copy_row(p.K)) * sizeof(float);
}

inline void copy_rows(const Launch& launch, MulMatRows& call) {
    float* to = reinterpret_cast<float*>(launch.scratch);
    const int64_t row = mul_mat_copy_row(call.p.K), some = std::max<int64_t>(1, (1 << 16) / call.p.K);
    for_units(
        (call.p.R + some - 1) / some,
        [&](int64_t unit) {
            for (int64_t r = unit * some; r < std::min<int64_t>(call.p.R, (unit + 1) * some); ++r)
                std::copy_n(call.row(r), call.p.K, to + r * row);
        },
        int64_t(call.p.R) * call.p.K);
    call.x = to, call.x_row = row;
}

}  // namespace rw::cpu
#endif

#if RW_VECTOR_TARGET
#include "cpu/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// sums[r][n] += products of `blocks` blocks of NB rows of w and RB rows of x; a sum is a vector. Rows of w are short for
/// the prefetchers of a CPU: what lies `ahead` bytes further, in the rows of the tile after this, is asked for.
template <class Format, int NB, int RB>
HWY_INLINE void Tile(const uint8_t* const* w, const float* const* x, int64_t blocks, int64_t ahead, float* sums,
                     int64_t sums_row) {
    Vec acc[NB][RB];
    for (int n = 0; n < NB; ++n)
        for (int r = 0; r < RB; ++r) acc[n][r] = hn::LoadU(f32, sums + r * sums_row + n * kLanes);
    typename Format::State state[NB];
    const float* from[RB];
    for (int r = 0; r < RB; ++r) from[r] = x[r];
    for (int64_t b = 0; b < blocks; ++b) {
        for (int n = 0; n < NB; ++n) {
            for (int64_t line = 0; line < Format::kBytes; line += 64)
                hwy::Prefetch(w[n] + b * Format::kBytes + line + ahead);
            Format::Open(w[n] + b * Format::kBytes, state[n]);
        }
        for (int group = 0; group < Format::kBlock; group += 32) {
#pragma GCC unroll 8
            for (int i = 0; i < 32; i += int(kLanes)) {
                const int64_t k = b * Format::kBlock + group + i;
                const auto weight = [&](int n) HWY_ATTR {
                    return Format::Weight(w[n] + b * Format::kBytes, state[n], group + i);
                };
                if constexpr (RB <= 4) {  // whichever is fewer stays in registers
                    Vec row[RB];
                    for (int r = 0; r < RB; ++r) row[r] = hn::LoadU(f32, from[r] + k);
                    for (int n = 0; n < NB; ++n) {
                        const Vec one = weight(n);
                        for (int r = 0; r < RB; ++r) acc[n][r] = hn::MulAdd(one, row[r], acc[n][r]);
                    }
                } else {
                    Vec one[NB];
                    for (int n = 0; n < NB; ++n) one[n] = weight(n);
                    for (int r = 0; r < RB; ++r) {
                        const Vec row = hn::LoadU(f32, from[r] + k);
                        for (int n = 0; n < NB; ++n) acc[n][r] = hn::MulAdd(one[n], row, acc[n][r]);
                    }
                }
            }
        }
    }
    for (int n = 0; n < NB; ++n)
        for (int r = 0; r < RB; ++r) hn::StoreU(acc[n][r], f32, sums + r * sums_row + n * kLanes);
}

using TileFunction = void (*)(const uint8_t* const*, const float* const*, int64_t, int64_t, float*, int64_t);

/// Rows of w in a tile with `rows` rows of x: as many as the sums leave registers for.
constexpr int WeightsOfTile(int rows) { return rows <= 3 ? 4 : rows <= 6 ? 2 : 1; }

template <class Format, int RB>
void AnyTile(const uint8_t* const* w, const float* const* x, int64_t blocks, int64_t ahead, float* sums,
             int64_t sums_row) {
    constexpr int NB = WeightsOfTile(RB);
    for (int n = 0; n < 4; n += NB) Tile<Format, NB, RB>(w + n, x, blocks, ahead, sums + n * kLanes, sums_row);
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

template <class Format>
struct MulMatUnit {
    static constexpr int64_t kMostWeights = 32, kMostRows = 48;  // of a unit
    const MulMatRows& call;
    int64_t n0, n1, r0, r1;
    HWY_ALIGN float sums[kMostRows * kMostWeights * kLanes];

    int64_t sums_row() const { return (n1 - n0 + 3) / 4 * 4 * kLanes; }
    float* sum(int64_t r, int64_t n) { return sums + (r - r0) * sums_row() + (n - n0) * kLanes; }

    /// The blocks from element k on.
    void Chunk(int64_t k, int64_t blocks) {
        const int64_t tiles = (r1 - r0 + kMostTile - 1) / kMostTile;
        for (int64_t t = 0, r = r0; t < tiles; ++t) {
            const int64_t rows = (r1 - r + tiles - t - 1) / (tiles - t);
            const float* x[kMostTile];
            for (int64_t i = 0; i < rows; ++i) x[i] = call.row(r + i) + k;
            for (int64_t n = n0; n < n1; n += 4) {
                const uint8_t* w[4];  // past the last row of w the last again
                for (int64_t i = 0; i < 4; ++i)
                    w[i] = call.weights(std::min(n + i, n1 - 1)) + k / Format::kBlock * Format::kBytes;
                kTiles<Format>[rows](w, x, blocks, 4 * call.w_row, sum(r, n), sums_row());
            }
            r += rows;
        }
    }

    /// The last elements of a K that is no multiple of 32, filled up with zeros; only plain types have such a K.
    void Tail(int64_t k) {
        const int64_t left = call.p.K - k;
        const size_t element = call.type.bytes;
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
        const int64_t whole = call.p.K / Format::kBlock * Format::kBlock;
        // So many elements of a tile's rows of x that they stay in the first-level cache while the unit's weights pass.
        const int64_t chunk = 4096 / std::min(r1 - r0, kMostTile) / 256 * 256;
        for (int64_t k = 0; k < whole; k += chunk) Chunk(k, std::min(chunk, whole - k) / Format::kBlock);
        if (whole < call.p.K) Tail(whole);
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

template <class Format>
void MulMatOf(const MulMatRows& call) {
    using Unit = MulMatUnit<Format>;
    const auto& p = call.p;
    const int64_t most_rows = Unit::kMostRows, row_blocks = (p.R + most_rows - 1) / most_rows;
    const int64_t wanted = std::max<int64_t>(1, kUnitWeights / p.K) + 3;
    const int64_t part = std::min<int64_t>(Unit::kMostWeights, wanted / 4 * 4), parts = (p.N + part - 1) / part;
    const int64_t rows = (p.R + row_blocks - 1) / row_blocks;
    for_units(
        parts * row_blocks,
        [&](int64_t unit) {
            const int64_t n = unit % parts * part, r = unit / parts * rows;
            Unit{call, n, std::min<int64_t>(n + part, p.N), r, std::min<int64_t>(r + rows, p.R), {}}.Run();
        },
        int64_t(p.K) * p.N * p.R);
}

void MulMat(const Launch& launch) {
    static constexpr void (*by_type[])(const MulMatRows&) = {
        MulMatOf<PlainFormat<float>>, MulMatOf<PlainFormat<hwy::float16_t>>, MulMatOf<PlainFormat<hwy::bfloat16_t>>,
        nullptr, MulMatOf<Q8_0>, MulMatOf<Q4_0>, MulMatOf<Q4_1>, MulMatOf<Q5_0>, MulMatOf<Q5_1>, MulMatOf<Q4_K>,
        MulMatOf<Q5_K>, MulMatOf<Q6_K>, MulMatOf<Iq4Nl>, MulMatOf<Iq4Xs>};
    static_assert(std::size(by_type) == std::size(all_types));
    MulMatRows call(launch);
    if (call.p.R >= kCopyFrom) copy_rows(launch, call);
    by_type[call.p.w_type](call);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <vector>

#include "core/blocks.h"
#include "core/convert.h"

namespace rw::cpu {
namespace {

void plain(const Launch& launch) {
    const MulMatRows call(launch);
    const auto& p = call.p;
    for_units(
        p.N,
        [&](int64_t n) {
            const Tensor row{call.type.type, {p.K, 1, 1, 1}, contiguous(call.type.type, {p.K, 1, 1, 1})};
            const std::vector<double> exact = core::gather(row, call.weights(n));
            const std::vector<float> w(exact.begin(), exact.end());
            for (int64_t r = 0; r < p.R; ++r) {
                const float* x = call.row(r);
                float sum[8] = {};
                for (int64_t k = 0; k < p.K; ++k) sum[k % 8] += w[size_t(k)] * x[k];
                call.put(n, r, ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7])));
            }
        },
        int64_t(p.K) * p.N * p.R);
}

}  // namespace

std::vector<Kernel> mul_mat_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(MulMat, mul_mat_scratch);
    list.push_back({"cpu:plain", nullptr, plain});
    return list;
}

}  // namespace rw::cpu
#endif
