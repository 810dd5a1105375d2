// The frame of the CPU kernels of ATTENTION (rewind/ops/attention.h): spans of positions, rows of a call, who works on
// what.
//
// Positions are cut into spans at fixed places: kShortSpans of kShortSpan positions, from there on longer ones. A span
// gives a row its largest score m, the sum l of exp(score - m) and the same sum of values a; spans are then put together
// in their order. That is one arithmetic with two schedules: few rows take every span on its own, so that threads share a
// long context, and leave m, l, a in scratch; with many rows a block of them goes through all spans.
#pragma once

#include <algorithm>

#include "cpu/parallel.h"
#include "cpu/sequences.h"
#include "rewind/ops/attention.h"

namespace rw::cpu {

constexpr int64_t kShortSpan = 512, kShortSpans = 16, kLongSpan = 4096;
constexpr int64_t kAttentionRows = 32;  // of a block, at most
constexpr int64_t kAttentionTile = 48;  // positions whose scores a block has at a time
constexpr int64_t kAttentionPart = 12;  // of these, that all rows go over before the next: they stay in the first cache
constexpr int64_t kManyBlocks = 16;     // blocks of rows from which they need not be split

/// Where span i begins, and the spans that hold the positions below `end`.
constexpr int64_t span_begin(int64_t i) {
    return i < kShortSpans ? i * kShortSpan : kShortSpans * kShortSpan + (i - kShortSpans) * kLongSpan;
}
constexpr int64_t spans_below(int64_t end) {
    const int64_t low = kShortSpans * kShortSpan;
    return end <= low ? (end + kShortSpan - 1) / kShortSpan : kShortSpans + (end - low + kLongSpan - 1) / kLongSpan;
}

/// A call's rows: of one sequence and one head of the cache, T tokens of H / H_kv heads. Row r is token r / group(), head
/// r % group() of those that share the head of the cache.
struct AttentionCall {
    using Params = ops::attention::Params;
    explicit AttentionCall(const Launch& launch) : launch(launch), p(launch.as<Params>()) {}

    /// A sequence at its position; n = 0: skipped.
    struct Placed : Sequence {
        int64_t pos = 0;
    };
    Placed placed(int64_t b) const {
        using namespace ops::attention;
        const Sequence s = sequence(launch, p, int(b), arg::seq, arg::first, arg::seq_len);
        const int64_t pos = s.n ? launch.at<const int32_t>(arg::pos)[b] : -1;
        if (pos < 0) return {};
        if (pos + s.n > p.R) return launch.raise(RW_FAULT_POS), Placed{};
        return {s, pos};
    }
    int64_t group() const { return p.H / p.H_kv; }
    int64_t rows() const { return p.T * group(); }
    int64_t blocks() const { return (rows() + kAttentionRows - 1) / kAttentionRows; }
    bool split() const { return blocks() * p.H_kv * p.B < kManyBlocks; }
    int64_t spans() const { return spans_below(p.R); }
    /// Floats of a row's m, l, a in scratch.
    int64_t part() const { return p.D_v + 16; }
    int64_t parts() const { return split() ? int64_t(p.B) * p.H_kv * rows() * spans() * part() : 0; }
    float* part_of(int64_t b, int64_t kv, int64_t row, int64_t span) const {
        const int64_t index = ((b * p.H_kv + kv) * rows() + row) * spans() + span;
        return reinterpret_cast<float*>(launch.scratch) + index * part();
    }

    const float* q(const Placed& s, int64_t kv, int64_t row) const {
        return launch.at<const float>(ops::attention::arg::q) + s.b * p.q_b + (s.token + row / group()) * p.q_t +
               (kv * group() + row % group()) * p.q_h;
    }
    const float* gate(const Placed& s, int64_t kv, int64_t row) const {
        const float* gate = launch.at<const float>(ops::attention::arg::gate);
        return gate ? gate + s.b * p.g_b + (s.token + row / group()) * p.g_t + (kv * group() + row % group()) * p.g_h
                    : nullptr;
    }
    float* out(const Placed& s, int64_t kv, int64_t row) const {
        return launch.at<float>(ops::attention::arg::out) + s.b * p.o_b + (s.token + row / group()) * p.o_t +
               (kv * group() + row % group()) * p.o_h;
    }
    /// Position 0 of a head of the cache, and the bytes from one position to the next.
    const uint8_t* k(const Placed& s, int64_t kv) const {
        return launch.at<const uint8_t>(ops::attention::arg::cache_k) + (s.row * p.k_b + kv * p.k_h) * element();
    }
    const uint8_t* v(const Placed& s, int64_t kv) const {
        return launch.at<const uint8_t>(ops::attention::arg::cache_v) + (s.row * p.v_b + kv * p.v_h) * element();
    }
    int64_t k_step() const { return p.k_r * element(); }
    int64_t v_step() const { return p.v_r * element(); }
    int64_t element() const { return size_of(Type(p.type)); }
    /// Floats that a worker needs for a block: q scaled, the sums of a span and of all, scores, a part unpacked.
    int64_t room() const {
        return kAttentionRows * (p.D + 2 * int64_t(p.D_v) + kAttentionTile) + kAttentionPart * std::max(p.D, p.D_v);
    }
    double work() const { return double(p.B) * p.T * p.H * p.R * (p.D + p.D_v) / 2; }

    const Launch& launch;
    const Params& p;
};

}  // namespace rw::cpu
