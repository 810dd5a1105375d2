// ATTENTION on Highway vectors: a block of rows and a span of positions. Included once per target: no #pragma once.
//
// Positions are taken kAttentionTile at a time: scores of all rows, then for every row
//
//   m' = max(m, scores);  f = exp(m - m');  w = exp(scores - m');  l = f l + w;  a = f a + sum over s of w_s v_s
//
// A score is one vector of partial sums over D and a fixed tree, the sum over s goes by single positions in their order:
// which rows and positions share a register tile decides no bit. All rows go over a part of a tile before the next one,
// so that it comes from the first cache, even where the strides of positions leave it few lines; and of blocks, which
// take several instructions to convert, a part is unpacked to f32 once for all rows when there are many.
#if defined(REWIND_CPU_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_ATTENTION_INL_H
#undef REWIND_CPU_ATTENTION_INL_H
#else
#define REWIND_CPU_ATTENTION_INL_H
#endif

#include "cpu/attention.h"
#include "cpu/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

constexpr int64_t kTile = kAttentionTile, kPart = kAttentionPart;
/// A register tile has kPositions * kTogether sums of scores or kTogether * kVectors of values, as many as there is
/// room for beside what they are made of.
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON;
constexpr int kTogether = 4, kPositions = kManyRegisters ? 6 : 3, kVectors = kManyRegisters ? 4 : 3;
static_assert(kTile % kPart == 0 && kPart % kPositions == 0 && kTile % kLanes == 0);
constexpr float kNone = -HUGE_VALF;

/// Elements i .. of a row of the cache.
template <class Format>
HWY_INLINE Vec Cached(const uint8_t* row, int64_t i) {
    const typename Format::State state{};
    return Format::Weight(row + i / Format::kBlock * Format::kBytes, state, int(i % Format::kBlock));
}

HWY_INLINE float ExpOf(float x) { return hn::GetLane(Exp(hn::Set(f32, x))); }
/// What exponents of scores up to m are taken relative to.
HWY_INLINE float BaseOf(float m) { return m == kNone ? 0 : m; }

/// Rows from which on it pays to unpack. f16 is converted in the loads that would read what was unpacked.
template <class Format>
constexpr int64_t kUnpackFrom = std::is_same_v<Format, Q8_0> ? 9 : kAttentionRows + 1;

/// Rows of the cache to packed f32.
template <class Format>
void UnpackRows(const uint8_t* from, int64_t step, int64_t n, int64_t positions, float* to) {
    for (int64_t s = 0; s < positions; ++s, from += step, to += n) Unpack<Grouped<Format>>(from, to, n);
}

/// Asks for rows that will be read soon.
template <class Format>
void Ask(const uint8_t* from, int64_t step, int64_t n, int64_t positions) {
    const int64_t bytes = n * Format::kBytes / Format::kBlock;
    for (int64_t s = 0; s < positions; ++s, from += step)
        for (int64_t at = 0; at < bytes; at += 64) hwy::Prefetch(from + at);
}

/// scores[r * kTile + s] of PB positions and RB rows.
template <class Format, int PB, int RB>
HWY_INLINE void Dots(const uint8_t* k, int64_t k_step, const float* q, int64_t D, float* scores) {
    Vec sum[PB][RB];
    for (int s = 0; s < PB; ++s)
        for (int r = 0; r < RB; ++r) sum[s][r] = hn::Zero(f32);
    for (int64_t i = 0; i < D; i += 16) {
#pragma GCC unroll 4
        for (int64_t j = i; j < i + 16; j += kLanes) {
            Vec key[PB];
            for (int s = 0; s < PB; ++s) key[s] = Cached<Format>(k + s * k_step, j);
            for (int r = 0; r < RB; ++r) {
                const Vec row = hn::LoadU(f32, q + r * D + j);
                for (int s = 0; s < PB; ++s) sum[s][r] = hn::MulAdd(key[s], row, sum[s][r]);
            }
        }
    }
    for (int s = 0; s < PB; ++s) {
        float four[4];
        const auto at = [&](int r) HWY_ATTR { return sum[s][r < RB ? r : 0]; };
        hn::StoreU(Sums(at(0), at(1), at(2), at(3)), f32x4, four);
        for (int r = 0; r < RB; ++r) scores[r * kTile + s] = four[r];
    }
}

/// a[r][j ..] += w[r][s] v[s][j ..] for VB vectors, positions [s0, s1).
template <class Format, int RB, int VB>
HWY_INLINE void AddVectors(const uint8_t* v, int64_t v_step, const float* w, int64_t s0, int64_t s1, int64_t j, float* a,
                           int64_t D_v) {
    Vec sum[RB][VB];
    for (int r = 0; r < RB; ++r)
        for (int x = 0; x < VB; ++x) sum[r][x] = hn::LoadU(f32, a + r * D_v + j + x * kLanes);
    for (int64_t s = s0; s < s1; ++s) {
        Vec value[VB];
        for (int x = 0; x < VB; ++x) value[x] = Cached<Format>(v + s * v_step, j + x * kLanes);
        for (int r = 0; r < RB; ++r) {
            const Vec weight = hn::Set(f32, w[r * kTile + s]);
            for (int x = 0; x < VB; ++x) sum[r][x] = hn::MulAdd(weight, value[x], sum[r][x]);
        }
    }
    for (int r = 0; r < RB; ++r)
        for (int x = 0; x < VB; ++x) hn::StoreU(sum[r][x], f32, a + r * D_v + j + x * kLanes);
}

template <class Format, int RB>
void AddValues(const uint8_t* v, int64_t v_step, const float* w, int64_t s0, int64_t s1, float* a, int64_t D_v) {
    int64_t j = 0;
    for (; j + kVectors * kLanes <= D_v; j += kVectors * kLanes)
        AddVectors<Format, RB, kVectors>(v, v_step, w, s0, s1, j, a, D_v);
    for (; j + 2 * kLanes <= D_v; j += 2 * kLanes) AddVectors<Format, RB, 2>(v, v_step, w, s0, s1, j, a, D_v);
    for (; j < D_v; j += kLanes) AddVectors<Format, RB, 1>(v, v_step, w, s0, s1, j, a, D_v);
}

/// Calls f(number, first) for rows in groups: as many of kTogether as there are, then two, then one.
template <class F>
HWY_INLINE void InGroups(int64_t rows, const F& f) {
    int64_t r = 0;
    for (; r + kTogether <= rows; r += kTogether) f(std::integral_constant<int, kTogether>(), r);
    if (r + 2 <= rows) f(std::integral_constant<int, 2>(), r), r += 2;
    if (r < rows) f(std::integral_constant<int, 1>(), r);
}

/// Rows of one block on the way through positions; what a worker needs room for.
template <class Format>
struct AttentionBlock {
    const AttentionCall& call;
    const AttentionCall::Placed& s;
    int64_t kv, first, rows;
    float *q, *a, *total, *scores, *part;  // q scaled; total: of whole spans
    float m[kAttentionRows], all_m[kAttentionRows], all_l[kAttentionRows];
    HWY_ALIGN float l[kAttentionRows * kLanes];

    AttentionBlock(const AttentionCall& call, const AttentionCall::Placed& s, int64_t kv, int64_t first, float* room)
        : call(call), s(s), kv(kv), first(first), rows(std::min(kAttentionRows, s.n * call.group() - first)), q(room),
          a(q + kAttentionRows * call.p.D), total(a + kAttentionRows * call.p.D_v),
          scores(total + kAttentionRows * call.p.D_v), part(scores + kAttentionRows * kTile) {
        const Vec scale = hn::Set(f32, call.p.scale);
        for (int64_t r = 0; r < rows; ++r) {
            const float* from = call.q(s, kv, first + r);
            for (int64_t i = 0; i < call.p.D; i += kLanes)
                hn::StoreU(hn::Mul(scale, hn::LoadU(f32, from + i)), f32, q + r * call.p.D + i);
            all_m[r] = kNone, all_l[r] = 0;
        }
        std::fill_n(total, rows * call.p.D_v, 0.0f);
    }
    /// Positions that row r sees.
    int64_t end(int64_t r) const { return s.pos + (first + r) / call.group() + 1; }

    /// Scores of positions [at, at + n) of a tile whose keys lie at k.
    template <class Keys>
    void PartScores(const uint8_t* k, int64_t step, int64_t at, int64_t n) {
        const int64_t D = call.p.D;
        InGroups(rows, [&](auto rb, int64_t r) HWY_ATTR {
            constexpr int RB = decltype(rb)::value;
            float* to = scores + r * kTile + at;
            int64_t s = 0;
            for (; s + kPositions <= n; s += kPositions)
                Dots<Keys, kPositions, RB>(k + s * step, step, q + r * D, D, to + s);
            for (; s < n; ++s) Dots<Keys, 1, RB>(k + s * step, step, q + r * D, D, to + s);
        });
    }

    void Scores(const uint8_t* k, const uint8_t* v, int64_t positions) {
        const int64_t D = call.p.D, step = call.k_step(), v_step = call.v_step();
        for (int64_t at = 0; at < positions; at += kPart) {
            const int64_t n = std::min(kPart, positions - at);
            Ask<Format>(v + at * v_step, v_step, call.p.D_v, n);
            if (rows < kUnpackFrom<Format>) {
                PartScores<Format>(k + at * step, step, at, n);
            } else if constexpr (kUnpackFrom<Format> <= kAttentionRows) {
                UnpackRows<Format>(k + at * step, step, D, n, part);
                PartScores<PlainFormat<float>>(reinterpret_cast<const uint8_t*>(part), 4 * D, at, n);
            }
        }
    }

    /// Scores of row r to weights; the sums so far are brought to the new largest score. n > 0 of them count.
    void Weigh(int64_t r, int64_t n) {
        float* w = scores + r * kTile;
        const int64_t whole = (n + kLanes - 1) / kLanes * kLanes;
        std::fill(w + n, w + whole, kNone);
        Vec most = hn::LoadU(f32, w);
        for (int64_t i = kLanes; i < whole; i += kLanes) most = hn::Max(most, hn::LoadU(f32, w + i));
        const float now = std::max(m[r], hn::GetLane(hn::MaxOfLanes(f32, most))), base = BaseOf(now);
        const Vec relative = hn::Set(f32, base);
        Vec sum = hn::LoadU(f32, l + r * kLanes);
        if (now != m[r]) {
            const Vec by = hn::Set(f32, ExpOf(m[r] - base));
            sum = hn::Mul(sum, by);
            float* values = a + r * call.p.D_v;
            for (int64_t i = 0; i < call.p.D_v; i += kLanes)
                hn::StoreU(hn::Mul(by, hn::LoadU(f32, values + i)), f32, values + i);
        }
        for (int64_t i = 0; i < whole; i += kLanes) {
            const Vec weight = Exp(hn::Sub(hn::LoadU(f32, w + i), relative));
            hn::StoreU(weight, f32, w + i);
            sum = hn::Add(sum, weight);
        }
        hn::StoreU(sum, f32, l + r * kLanes);
        m[r] = now;
    }

    /// Adds the values of positions [s0 + at, s0 + at + n), which lie at v, as far as each row sees them.
    template <class Elements>
    void PartValues(const uint8_t* v, int64_t step, int64_t s0, int64_t at, int64_t n) {
        const int64_t D_v = call.p.D_v;
        const auto seen = [&](int64_t r) { return std::clamp<int64_t>(end(r) - s0 - at, 0, n); };
        InGroups(rows, [&](auto rb, int64_t r) HWY_ATTR {
            constexpr int RB = decltype(rb)::value;
            const int64_t common = seen(r);  // the first row sees least
            AddValues<Elements, RB>(v, step, scores + r * kTile + at, 0, common, a + r * D_v, D_v);
            for (int64_t i = r + 1; i < r + RB; ++i)
                if (seen(i) > common)
                    AddValues<Elements, 1>(v, step, scores + i * kTile + at, common, seen(i), a + i * D_v, D_v);
        });
    }

    /// `more`: positions whose keys are read next, from next_k on.
    void Values(const uint8_t* v, int64_t s0, int64_t positions, const uint8_t* next_k, int64_t more) {
        const int64_t D_v = call.p.D_v, step = call.v_step(), k_step = call.k_step();
        for (int64_t at = 0; at < positions; at += kPart) {
            const int64_t n = std::min(kPart, positions - at);
            Ask<Format>(next_k + at * k_step, k_step, call.p.D, std::min(n, more - at));
            if (rows < kUnpackFrom<Format>) {
                PartValues<Format>(v + at * step, step, s0, at, n);
            } else if constexpr (kUnpackFrom<Format> <= kAttentionRows) {
                UnpackRows<Format>(v + at * step, step, D_v, n, part);
                PartValues<PlainFormat<float>>(reinterpret_cast<const uint8_t*>(part), 4 * D_v, s0, at, n);
            }
        }
    }

    /// m, l and a of a span.
    void Span(int64_t span) {
        std::fill_n(m, rows, kNone), std::fill_n(l, rows * kLanes, 0.0f), std::fill_n(a, rows * call.p.D_v, 0.0f);
        const int64_t last = std::min(span_begin(span + 1), end(rows - 1));
        for (int64_t s0 = span_begin(span); s0 < last; s0 += kTile) {
            const uint8_t *k = call.k(s, kv) + s0 * call.k_step(), *v = call.v(s, kv) + s0 * call.v_step();
            const int64_t positions = std::min(kTile, last - s0);
            Scores(k, v, positions);
            for (int64_t r = 0; r < rows; ++r)
                if (end(r) > s0) Weigh(r, std::min(positions, end(r) - s0));
            Values(v, s0, positions, k + kTile * call.k_step(), last - s0 - kTile);
        }
    }
    float SpanL(int64_t r) const { return Sum(hn::Load(f32, l + r * kLanes)); }
};

/// M, L, A over a span's m, l, a.
HWY_INLINE void Merge(float& M, float& L, float* A, float m, float l, const float* a, int64_t D_v) {
    const float now = std::max(M, m), base = BaseOf(now), old = ExpOf(M - base), by = ExpOf(m - base);
    const Vec old_by = hn::Set(f32, old), new_by = hn::Set(f32, by);
    for (int64_t i = 0; i < D_v; i += kLanes)
        hn::StoreU(hn::MulAdd(hn::LoadU(f32, a + i), new_by, hn::Mul(old_by, hn::LoadU(f32, A + i))), f32, A + i);
    const Vec sum = hn::MulAdd(hn::Set(f32, l), new_by, hn::Mul(old_by, hn::Set(f32, L)));
    L = hn::GetLane(sum), M = now;
}

HWY_INLINE void Finish(const AttentionCall& call, const AttentionCall::Placed& s, int64_t kv, int64_t row, float L,
                       const float* A) {
    const float* gate = call.gate(s, kv, row);
    float* out = call.out(s, kv, row);
    for (int64_t i = 0; i < call.p.D_v; i += kLanes) {
        Vec y = hn::Div(hn::LoadU(f32, A + i), hn::Set(f32, L));
        if (gate) y = hn::Mul(y, Sigmoid(hn::LoadU(f32, gate + i)));
        hn::StoreU(y, f32, out + i);
    }
}

/// One unit a span of a head of the cache: memory is read once for all its rows.
template <class Format>
void AttentionSplit(const AttentionCall& call) {
    using Block = AttentionBlock<Format>;
    const auto& p = call.p;
    float* rooms = reinterpret_cast<float*>(call.launch.scratch) + call.parts();
    for_units(p.B * p.H_kv * call.spans(), [&](int64_t unit, int64_t worker) {
        const int64_t kv = unit % p.H_kv, span = call.spans() - 1 - unit / p.H_kv % call.spans();
        const int64_t b = unit / p.H_kv / call.spans();
        const auto s = call.placed(b);
        for (int64_t first = 0; first < s.n * call.group(); first += kAttentionRows) {
            Block block(call, s, kv, first, rooms + worker * call.room());
            if (block.end(block.rows - 1) <= span_begin(span)) continue;
            block.Span(span);
            for (int64_t r = 0; r < block.rows; ++r) {
                float* part = call.part_of(b, kv, first + r, span);
                part[0] = block.m[r], part[1] = block.SpanL(r);
                std::copy_n(block.a + r * p.D_v, p.D_v, part + 16);
            }
        }
    }, int64_t(call.work()));
    for_units(p.B * p.H_kv * call.rows(), [&](int64_t unit, int64_t worker) {
        const int64_t row = unit % call.rows(), kv = unit / call.rows() % p.H_kv, b = unit / call.rows() / p.H_kv;
        const auto s = call.placed(b);
        if (row >= s.n * call.group()) return;
        float M = kNone, L = 0, *A = rooms + worker * call.room();
        std::fill_n(A, p.D_v, 0.0f);
        const int64_t spans = spans_below(s.pos + row / call.group() + 1);
        for (int64_t i = 0; i < spans; ++i) {
            const float* part = call.part_of(b, kv, row, i);
            Merge(M, L, A, part[0], part[1], part + 16, p.D_v);
        }
        Finish(call, s, kv, row, L, A);
    }, int64_t(p.B) * p.H * p.T * p.D_v * call.spans());
}

/// One unit a block of rows through all spans; those of the last tokens, which are longest, first.
template <class Format>
void AttentionWhole(const AttentionCall& call) {
    using Block = AttentionBlock<Format>;
    const auto& p = call.p;
    float* rooms = reinterpret_cast<float*>(call.launch.scratch);
    for_units(p.B * p.H_kv * call.blocks(), [&](int64_t unit, int64_t worker) {
        const int64_t kv = unit % p.H_kv, b = unit / p.H_kv % p.B;
        const int64_t first = (call.blocks() - 1 - unit / p.H_kv / p.B) * kAttentionRows;
        const auto s = call.placed(b);
        if (first >= s.n * call.group()) return;
        Block block(call, s, kv, first, rooms + worker * call.room());
        const int64_t spans = spans_below(block.end(block.rows - 1));
        for (int64_t i = 0; i < spans; ++i) {
            block.Span(i);
            for (int64_t r = 0; r < block.rows; ++r)
                if (block.end(r) > span_begin(i))
                    Merge(block.all_m[r], block.all_l[r], block.total + r * p.D_v, block.m[r], block.SpanL(r),
                          block.a + r * p.D_v, p.D_v);
        }
        for (int64_t r = 0; r < block.rows; ++r)
            Finish(call, s, kv, first + r, block.all_l[r], block.total + r * p.D_v);
    }, int64_t(call.work()));
}

template <class Format>
void AttentionOf(const AttentionCall& call) {
    call.split() ? AttentionSplit<Format>(call) : AttentionWhole<Format>(call);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
