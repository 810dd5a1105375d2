// GATED_DELTA_NET_RING on the CPU. Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// cpu:plain is scalar C++ for any CPU: base, then the block's rows one after the other, then the new tokens, one worker
// a (sequence, head). A long call replaces rows that other heads still read, so the shared k rows are stored afterwards.
#include "rewind/ops/gated_delta_net_ring.h"

#include <cstring>

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

/// A sequence with the position of its first token; n = 0 when it is skipped.
Sequence placed(const Launch& launch, const Params& p, int b, int64_t& pos) {
    pos = launch.at<int32_t>(arg::pos)[b];
    const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
    if (s.n == 0 || pos < 0) return {};
    if (pos + s.n > INT32_MAX) return launch.raise(RW_FAULT_POS), Sequence{};
    return s;
}

GdnInputs inputs(const Launch& launch) {
    return {launch.arg[arg::q],       launch.arg[arg::k],          launch.arg[arg::v],
            launch.at<float>(arg::g), launch.at<float>(arg::beta), launch.at<float>(arg::dt_bias),
            launch.at<float>(arg::a), launch.at<float>(arg::out)};
}

void plain_head(const Launch& launch, const Params& p, const Sequence& s, int64_t pos, int b, int h, float* S) {
    const int64_t D1 = int64_t(p.S_k) * p.S_v;
    const GdnInputs in = inputs(launch);
    const Ring<Params> ring{p, launch.at<float>(arg::base), launch.at<float>(arg::ring_k), launch.at<float>(arg::ring_d),
                            launch.at<float>(arg::ring_g)};
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
    const Ring<Params> ring{p, nullptr, launch.at<float>(arg::ring_k), nullptr, nullptr};
    for (int64_t t = std::max<int64_t>(0, ring.oldest(pos + s.n) - pos); t < s.n; ++t)
        plain_row(ring.k(s.row, pos + t, kh), launch.arg[arg::k],
                  kh * int64_t(p.k_h) + (s.token + t) * p.k_t + (b % p.B_k) * int64_t(p.k_b), p.S_k, p.qkv_type,
                  p.l2norm_eps);
}

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
#pragma omp parallel
    {
        const FlushDenormals flush;
#pragma omp for collapse(2) schedule(dynamic)
        for (int b = 0; b < p.B; ++b)
            for (int h = 0; h < p.H_v; ++h) {
                int64_t pos = 0;
                const Sequence s = placed(launch, p, b, pos);
                float* S = reinterpret_cast<float*>(launch.scratch) + (int64_t(b) * p.H_v + h) * plain_worker(p);
                if (s.n) plain_head(launch, p, s, pos, b, h, S);
            }
#pragma omp for collapse(2) schedule(static)
        for (int b = 0; b < p.B; ++b)
            for (int kh = 0; kh < p.H_k; ++kh) {
                int64_t pos = 0;
                const Sequence s = placed(launch, p, b, pos);
                if (s.n) plain_keys(launch, p, s, pos, b, kh);
            }
    }
}

}  // namespace

std::vector<Kernel> gated_delta_net_ring_kernels() { return {{"cpu:plain", nullptr, plain, plain_scratch}}; }

}  // namespace rw::cpu
