// GATED_DELTA_NET on the CPU. Equation, shapes and the two paths: rewind/ops/gated_delta_net.h.
//
// One Highway implementation an instruction set (cpu:avx512, cpu:avx2, ...; gdn_exact-inl.h), work split over
// (sequence, value head, part of its columns). cpu:plain is scalar C++ for any CPU: token-sequential, one worker a
// (sequence, head), the head's state in scratch.
#include "rewind/ops/gated_delta_net.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gated_delta_net.cpp"
#include <hwy/foreach_target.h>

#include "cpu/parallel.h"
#include "cpu/targets.h"
#if RW_VECTOR_TARGET
#include "cpu/gdn_exact-inl.h"
#include "cpu/gdn_prefill-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

using namespace ops::gated_delta_net;

/// One sequence of a call and where its states are.
struct Place {
    Sequence s;
    const float* state = nullptr;  // null: skipped
    float* out = nullptr;
};

Place Find(const Launch& launch, const Params& p, int64_t b) {
    Place x{sequence(launch, p, int(b), arg::seq, arg::first, arg::seq_len)};
    const int64_t in_slot = x.s.n ? input_slot(launch, p, int(b), arg::in_slot) : -1;
    if (in_slot < 0) return {};
    x.state = launch.at<float>(arg::state) + x.s.row * p.state_row + in_slot * p.state_slot;
    x.out = launch.at<float>(arg::state_out) + x.s.row * p.out_row;
    return x;
}

/// The value heads of a key head, columns [begin, begin + columns): whole chunks first if asked for, then token by token.
/// past: states go past the caches.
void Group(const Launch& launch, const Params& p, int64_t b, int64_t first_head, int64_t step, int64_t heads, int64_t begin,
           int64_t columns, bool past, GdnBlock& block) {
    const GdnInputs in{launch.arg[arg::q],       launch.arg[arg::k],          launch.arg[arg::v],
                       launch.at<float>(arg::g), launch.at<float>(arg::beta), launch.at<float>(arg::dt_bias),
                       launch.at<float>(arg::a), launch.at<float>(arg::out)};
    const Place at = Find(launch, p, b);
    if (!at.state) return;
    const int64_t n = at.s.n, D = int64_t(p.S_k) * p.S_v;
    const auto slot = [&](int64_t t) { return ops::kept_slot(int(t), int(n), p.K, p.order); };
    const auto head = [&](int64_t i) {
        const int64_t h = first_head + i * step;
        return HeadState<Params>{{in, p, at.s, b, h}, at.state + h * D, at.out + slot(n - 1) * p.out_slot + h * D};
    };
    int64_t chunked = 0;
    if (p.prefill) chunked = std::max<int64_t>(0, p.K == 1 ? n : n - p.K) / kChunk * kChunk;
    if (chunked) PrefillTokens(block, heads, head, chunked, begin, columns);
    for (int64_t i = 0; i < heads && chunked < n; ++i) {
        const HeadState<Params> h = head(i);
        // A token that is not kept goes to the final slot: the last token overwrites it there. Past the caches goes what
        // is not in them: not a slot that has just been read.
        const auto place = [&](int64_t t) -> Kept {
            if (slot(t) < 0) return {past ? nullptr : h.final, false};
            float* to = at.out + slot(t) * int64_t(p.out_slot) + h.source.h * D;
            return {to, past && to != h.state};
        };
        const float* state = chunked ? h.final : h.state;
        ExactTokens(h.source, state, place, chunked, n, begin, columns);
    }
    if (past) hwy::FlushStream();
}

/// Whether a call should write its states past the caches: they and the states it reads do not fit in there.
bool PastCaches(const Launch& launch, const Params& p) {
    const int64_t states = int64_t(p.B) * (1 + std::min(p.K, p.T)), bytes = states * p.H_v * p.S_k * p.S_v * 4;
    const bool aligned = reinterpret_cast<uintptr_t>(launch.arg[arg::state_out]) % 64 == 0 && p.out_row % 16 == 0 &&
                         p.out_slot % 16 == 0;
    return !p.prefill && p.T <= kTokens && aligned && bytes >= cache_bytes();
}

void GatedDeltaNet(const Launch& launch) {
    const Params& p = launch.as<Params>();
    const size_t bytes = block_bytes(kChunk, p.S_k, p.gate != 1);
    // Prefill keeps the value heads of a key head together, they share its dot products.
    const int64_t ratio = p.H_v / p.H_k, heads = p.prefill ? ratio : 1, groups = p.H_v / heads;
    const int64_t step = p.heads == RW_HEADS_TILED ? p.H_k : 1, jump = p.heads == RW_HEADS_TILED ? 1 : heads;
    const int64_t parts = column_parts(p.B * groups, std::max<int64_t>(1, p.S_v / kBlockColumns));
    const bool past = PastCaches(launch, p);
    for_units(p.B * groups * parts, [&](int64_t unit, int64_t worker) {
        const int64_t part = unit % parts, group = unit / parts % groups, columns = p.S_v / parts;
        GdnBlock block(reinterpret_cast<float*>(launch.scratch + worker * bytes), kChunk, p.S_k, p.gate != 1);
        Group(launch, p, unit / parts / groups, group * jump, step, heads, part * columns, columns, past, block);
    }, 4 * int64_t(p.T) * p.B * p.H_v * p.S_k * p.S_v);
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <cstring>

#include "cpu/gdn_plain.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_delta_net;

int64_t plain_worker(const Params& p) { return int64_t(p.S_k) * p.S_v + 4 * p.S_k; }  // floats

size_t plain_scratch(const void* params) {
    const auto& p = *static_cast<const Params*>(params);
    return size_t(p.B) * size_t(p.H_v) * size_t(plain_worker(p)) * sizeof(float);
}

void plain_head(const Launch& launch, const Params& p, const Sequence& s, int64_t slot, int b, int h, float* S) {
    const int64_t D1 = int64_t(p.S_k) * p.S_v, head = h * D1;
    const GdnInputs in{launch.arg[arg::q],           launch.arg[arg::k],          launch.arg[arg::v],
                       launch.at<float>(arg::g),     launch.at<float>(arg::beta), launch.at<float>(arg::dt_bias),
                       launch.at<float>(arg::a),     launch.at<float>(arg::out)};
    PlainToken x{S + D1, S + D1 + p.S_k, S + D1 + 2 * p.S_k, 0};
    float* decay = S + D1 + 3 * p.S_k;
    std::memcpy(S, launch.at<float>(arg::state) + s.row * p.state_row + slot * p.state_slot + head,
                size_t(D1) * sizeof(float));
    for (int64_t t = 0; t < s.n; ++t) {
        x.load(in, p, s, b, h, t);
        plain_step(S, x, in, p, s, h, t, decay, nullptr);
        const int kept = ops::kept_slot(int(t), int(s.n), p.K, p.order);
        if (kept >= 0)
            std::memcpy(launch.at<float>(arg::state_out) + s.row * p.out_row + int64_t(kept) * p.out_slot + head, S,
                        size_t(D1) * sizeof(float));
    }
}

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    for_units(int64_t(p.B) * p.H_v, [&](int64_t unit) {
        const int b = int(unit / p.H_v), h = int(unit % p.H_v);
        const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
        const int64_t slot = s.n ? input_slot(launch, p, b, arg::in_slot) : -1;
        if (slot >= 0)
            plain_head(launch, p, s, slot, b, h, reinterpret_cast<float*>(launch.scratch) + unit * plain_worker(p));
    });
}

}  // namespace

static size_t vector_scratch(const void* params) {
    const auto& p = *static_cast<const ops::gated_delta_net::Params*>(params);
    return p.prefill ? size_t(workers()) * block_bytes(kChunk, p.S_k, p.gate != 1) : 0;
}

std::vector<Kernel> gated_delta_net_kernels() {
    std::vector<Kernel> list = RW_TARGET_KERNELS(GatedDeltaNet, vector_scratch);
    list.push_back({"cpu:plain", nullptr, plain, plain_scratch});
    return list;
}

}  // namespace rw::cpu
#endif
