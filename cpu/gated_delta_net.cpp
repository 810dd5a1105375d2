// GATED_DELTA_NET on the CPU. Equation, shapes and the two paths: rewind/ops/gated_delta_net.h.
//
// cpu:plain is scalar C++ for any CPU: token-sequential, one worker a (sequence, head), the head's state in scratch.
#include "rewind/ops/gated_delta_net.h"

#include <cmath>
#include <cstring>

#include "core/convert.h"
#include "cpu/sequences.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_delta_net;

/// Element i of a q, k or v row as f32.
float element(const void* base, int64_t at, int type) {
    if (type == RW_F32) return static_cast<const float*>(base)[at];
    const uint16_t bits = static_cast<const uint16_t*>(base)[at];
    return type == RW_F16 ? core::from_half(bits) : core::from_bfloat(bits);
}

void load_row(float* to, const void* base, int64_t at, int n, int type, float eps) {
    float norm = 0;
    for (int i = 0; i < n; ++i) to[i] = element(base, at + i, type), norm += to[i] * to[i];
    if (eps <= 0) return;
    const float by = 1 / std::max(std::sqrt(norm), eps);
    for (int i = 0; i < n; ++i) to[i] *= by;
}

size_t plain_scratch(const void* params) {
    const auto& p = *static_cast<const Params*>(params);
    return size_t(p.B) * size_t(p.H_v) * (size_t(p.S_k) * size_t(p.S_v) + 3 * size_t(p.S_k)) * sizeof(float);
}

void plain_head(const Launch& launch, const Params& p, const Sequence& s, int64_t slot, int b, int h, float* S) {
    const int64_t D1 = int64_t(p.S_k) * p.S_v, head = h * D1;
    float *k = S + D1, *q = k + p.S_k, *decay = q + p.S_k;
    std::memcpy(S, launch.at<const float>(arg::state) + s.row * p.state_row + slot * p.state_slot + head,
                size_t(D1) * sizeof(float));
    const int kh = p.heads == RW_HEADS_TILED ? h % p.H_k : h / (p.H_v / p.H_k);
    for (int64_t t = 0; t < s.n; ++t) {
        const int64_t row = s.token + t;
        load_row(q, launch.arg[arg::q], kh * int64_t(p.q_h) + row * p.q_t + (b % p.B_q) * int64_t(p.q_b), p.S_k,
                 p.qkv_type, p.l2norm_eps);
        load_row(k, launch.arg[arg::k], kh * int64_t(p.k_h) + row * p.k_t + (b % p.B_k) * int64_t(p.k_b), p.S_k,
                 p.qkv_type, p.l2norm_eps);
        const float* g = launch.at<const float>(arg::g) + h * int64_t(p.g_h) + row * p.g_t + s.b * p.g_b;
        float beta = launch.at<const float>(arg::beta)[h * int64_t(p.beta_h) + row * p.beta_t + s.b * p.beta_b];
        if (p.raw_gates) beta = 1 / (1 + std::exp(-beta));
        for (int i = 0; i < p.S_k; ++i) {
            const int c = p.gate == 1 ? 0 : i;
            float log_decay = g[c];
            if (p.raw_gates) {
                const float x = log_decay + launch.at<const float>(arg::dt_bias)[h * int64_t(p.dt_h) + c];
                log_decay = (x > 20 ? x : std::log1p(std::exp(x))) * launch.at<const float>(arg::a)[h];
            }
            decay[i] = std::exp(log_decay);
        }
        const int64_t v = h * int64_t(p.v_h) + row * p.v_t + s.b * p.v_b;
        float* out = launch.at<float>(arg::out) + h * int64_t(p.o_h) + row * p.o_t + s.b * p.o_b;
        for (int j = 0; j < p.S_v; ++j) {
            float* column = S + int64_t(j) * p.S_k;
            float m = 0, o = 0;
            for (int i = 0; i < p.S_k; ++i) column[i] *= decay[i], m += column[i] * k[i];
            const float d = beta * (element(launch.arg[arg::v], v + j, p.qkv_type) - m);
            for (int i = 0; i < p.S_k; ++i) column[i] += k[i] * d, o += column[i] * q[i];
            out[j] = p.scale * o;
        }
        const int kept = ops::kept_slot(int(t), int(s.n), p.K, p.order);
        if (kept >= 0)
            std::memcpy(launch.at<float>(arg::state_out) + s.row * p.out_row + int64_t(kept) * p.out_slot + head, S,
                        size_t(D1) * sizeof(float));
    }
}

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    const int64_t stride = int64_t(p.S_k) * p.S_v + 3 * p.S_k;
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int b = 0; b < p.B; ++b)
        for (int h = 0; h < p.H_v; ++h) {
            const FlushDenormals flush;
            const Sequence s = sequence(launch, p, b, arg::seq, arg::first, arg::seq_len);
            const int64_t slot = s.n ? input_slot(launch, p, b, arg::in_slot) : -1;
            if (slot >= 0)
                plain_head(launch, p, s, slot, b, h,
                           reinterpret_cast<float*>(launch.scratch) + (int64_t(b) * p.H_v + h) * stride);
        }
}

}  // namespace

std::vector<Kernel> gated_delta_net_kernels() { return {{"cpu:plain", nullptr, plain, plain_scratch}}; }

}  // namespace rw::cpu
