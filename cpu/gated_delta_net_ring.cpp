// GATED_DELTA_NET_RING on the CPU. Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// One Highway implementation an instruction set (gdn_ring-inl.h): the closed form against the base, work split over
// (sequence, key head, part of the columns), the same code for one token and for a long prompt.
//
// cpu:plain is scalar C++ for any CPU: base, then the block's rows one after the other, then the new tokens, one worker
// a (sequence, head). A long call replaces rows that other workers still read, so the shared rows are stored afterwards.
#include "rewind/ops/gated_delta_net_ring.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gated_delta_net_ring.cpp"
#include <hwy/foreach_target.h>

#include "cpu/parallel.h"
#include "cpu/targets.h"
#if RW_VECTOR_TARGET
#include "cpu/gdn_ring-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

void GatedDeltaNetRing(const Launch& launch) {
    using namespace ops::gated_delta_net_ring;
    const Params& p = launch.as<Params>();
    const bool channel = p.gate != 1;
    const size_t bytes = block_bytes(p.W, p.S_k, channel);
    const GdnInputs in = ring_inputs(launch);
    const Ring<Params> ring = ring_memory(launch);
    const int64_t heads = p.H_v / p.H_k, parts = column_parts(p.B * p.H_k, std::max<int64_t>(1, p.S_v / kBlockColumns));
    const auto rows_of = [&](const Sequence& s, int64_t b, int64_t kh) {
        return [&in, &p, s, b, kh, heads](int64_t i) {
            return RowSource<Params>(in, p, s, b, p.heads == RW_HEADS_TILED ? kh + i * p.H_k : kh * heads + i);
        };
    };
    // Only a call that wraps round the ring overwrites rows that another part may still have to read.
    const bool rows_later = parts > 1 && p.T > int64_t(p.W) * (p.n_base - 1);
    for_units(p.B * p.H_k * parts, [&](int64_t unit, int64_t worker) {
        const int64_t part = unit % parts, kh = unit / parts % p.H_k, b = unit / parts / p.H_k, columns = p.S_v / parts;
        int64_t pos = 0;
        const Sequence s = ring_sequence(launch, p, b, pos);
        if (s.n == 0) return;
        GdnBlock block(reinterpret_cast<float*>(launch.scratch + size_t(worker) * bytes), p.W, p.S_k, channel);
        RingTokens(block, ring, s, pos, heads, rows_of(s, b, kh), part * columns, columns);
        if (part == 0 && !rows_later) RingRows(ring, s, pos, heads, rows_of(s, b, kh));
    }, 3 * int64_t(p.T) * p.B * p.H_v * p.S_k * p.S_v);
    if (!rows_later) return;
    for_units(p.B * p.H_k, [&](int64_t unit, int64_t) {
        const int64_t kh = unit % p.H_k, b = unit / p.H_k;
        int64_t pos = 0;
        const Sequence s = ring_sequence(launch, p, b, pos);
        if (s.n) RingRows(ring, s, pos, heads, rows_of(s, b, kh));
    });
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <cstring>

#include "cpu/gdn_block.h"
#include "cpu/gdn_plain.h"
#include "cpu/ring.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_delta_net_ring;

int64_t plain_worker(const Params& p) { return int64_t(p.S_k) * p.S_v + 4 * p.S_k; }  // floats

size_t plain_scratch(const void* params) {
    const auto& p = *static_cast<const Params*>(params);
    return size_t(p.B) * size_t(p.H_v) * size_t(plain_worker(p)) * sizeof(float);
}

void plain_head(const Launch& launch, const Params& p, const Sequence& s, int64_t pos, int b, int h, float* S) {
    const int64_t D1 = int64_t(p.S_k) * p.S_v;
    const GdnInputs in = ring_inputs(launch);
    const Ring<Params> ring = ring_memory(launch);
    PlainToken x{S + D1, S + D1 + p.S_k, S + D1 + 2 * p.S_k, 0};
    float* decay = S + D1 + 3 * p.S_k;
    plain_ring_state(S, ring, s.row, pos, h, decay);
    const int64_t oldest = ring.oldest(pos + s.n);
    for (int64_t t = 0; t < s.n; ++t) {
        const int64_t position = pos + t;
        x.load(in, p, s, b, h, t);
        const bool kept = position >= oldest;
        plain_step(S, x, in, p, s, h, t, decay, kept ? ring.d(s.row, position, h) : nullptr);
        if (kept) std::memcpy(ring.g(s.row, position, h), x.g, size_t(p.gate) * sizeof(float));
        if ((position + 1) % p.W == 0 && position + 1 >= oldest)
            std::memcpy(ring.base(s.row, (position + 1) / p.W, h), S, size_t(D1) * sizeof(float));
    }
}

/// Stores the k rows of one key head: the last step, when no head reads old rows any more.
void plain_keys(const Launch& launch, const Params& p, const Sequence& s, int64_t pos, int b, int kh) {
    const Ring<Params> ring = ring_memory(launch);
    for (int64_t t = std::max<int64_t>(0, ring.oldest(pos + s.n) - pos); t < s.n; ++t)
        plain_row(ring.k(s.row, pos + t, kh), launch.arg[arg::k],
                  kh * int64_t(p.k_h) + (s.token + t) * p.k_t + (b % p.B_k) * int64_t(p.k_b), p.S_k, p.qkv_type,
                  p.l2norm_eps);
}

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    for_units(int64_t(p.B) * p.H_v, [&](int64_t unit) {
        const int b = int(unit / p.H_v), h = int(unit % p.H_v);
        int64_t pos = 0;
        const Sequence s = ring_sequence(launch, p, b, pos);
        if (s.n) plain_head(launch, p, s, pos, b, h, reinterpret_cast<float*>(launch.scratch) + unit * plain_worker(p));
    });
    for_units(int64_t(p.B) * p.H_k, [&](int64_t unit) {
        const int b = int(unit / p.H_k), kh = int(unit % p.H_k);
        int64_t pos = 0;
        const Sequence s = ring_sequence(launch, p, b, pos);
        if (s.n) plain_keys(launch, p, s, pos, b, kh);
    });
}

}  // namespace

static size_t vector_scratch(const void* params) {
    const auto& p = *static_cast<const ops::gated_delta_net_ring::Params*>(params);
    return size_t(workers()) * block_bytes(p.W, p.S_k, p.gate != 1);
}

std::vector<Kernel> gated_delta_net_ring_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(GatedDeltaNetRing, vector_scratch);
    list.push_back({"cpu:plain", nullptr, plain, plain_scratch});
    return list;
}

}  // namespace rw::cpu
#endif
