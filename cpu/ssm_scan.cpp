// SSM_SCAN on the CPU. Equation and shapes: rewind/ops/ssm_scan.h; the frame: cpu/scan.h.
//
// A first pass turns dt into step, and into the decay when a has width 1, for all tokens and heads at once: scratch is
// [step | decay], each [H, rows of tokens].
#include "rewind/ops/ssm_scan.h"

#include <cmath>

#include "cpu/scan.h"

namespace rw::cpu {
namespace {

using namespace ops::ssm_scan;

constexpr ScanArgs scan_args{arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::state_out};

int64_t token_rows(const Params& p) { return p.packed ? p.N : int64_t(p.T) * p.B; }

size_t scratch(const void* params) {
    const auto& p = *static_cast<const Params*>(params);
    return 2 * size_t(token_rows(p)) * size_t(p.H) * sizeof(float);
}

float softplus(float x) { return x > 20 ? x : std::log1p(std::exp(x)); }

void plain_steps(const Launch& launch, const Params& p) {
    float* step = reinterpret_cast<float*>(launch.scratch);
    float* decay = step + token_rows(p) * p.H;
    const float *dt = launch.at<const float>(arg::dt), *bias = launch.at<const float>(arg::dt_bias);
    const float* a = launch.at<const float>(arg::a);
#pragma omp parallel for
    for (int64_t row = 0; row < token_rows(p); ++row)
        for (int h = 0; h < p.H; ++h) {
            const float raw = dt[row % p.N * p.dt_t + row / p.N * p.dt_b + h] + (bias ? bias[h] : 0);
            const int64_t at = row * p.H + h;
            step[at] = p.step == RW_STEP_SOFTPLUS ? softplus(raw) : raw;
            if (p.a_width == 1) decay[at] = std::exp(step[at] * a[int64_t(h) * p.a_h]);
        }
}

struct Source {
    using Params = ops::ssm_scan::Params;
    const Launch& launch;
    const Params& p;
    const Sequence& s;
    int64_t h;

    ScanToken token(int64_t t, float* decay) const {
        const int64_t row = s.token + t, group = h / (p.H / p.n_group), at = (s.b * p.N + row) * p.H + h;
        const float* step = reinterpret_cast<const float*>(launch.scratch) + at;
        ScanToken x{step + token_rows(p) * p.H,
                    launch.at<const float>(arg::b) + group * p.b_g + row * p.b_t + s.b * p.b_b,
                    launch.at<const float>(arg::c) + group * p.c_g + row * p.c_t + s.b * p.c_b,
                    nullptr, nullptr,
                    launch.at<const float>(arg::x) + h * p.x_h + row * p.x_t + s.b * p.x_b,
                    launch.at<float>(arg::out) + h * p.o_h + row * p.o_t + s.b * p.o_b};
        x.shared_decay = p.a_width == 1;
        if (!x.shared_decay) {
            const float* a = launch.at<const float>(arg::a) + h * p.a_h;
            for (int i = 0; i < p.S_k; ++i) decay[i] = std::exp(*step * a[i]);
            x.decay = decay;
        }
        x.value_by = *step;
        x.has_skip = p.has_d;
        if (p.has_d) x.skip = launch.at<const float>(arg::d)[h];
        return x;
    }
};

void plain(const Launch& launch) {
    plain_steps(launch, launch.as<Params>());
    run_scan<Source>(launch, scan_args, plain_scan_columns);
}

}  // namespace

std::vector<Kernel> ssm_scan_kernels() { return {{"cpu:plain", nullptr, plain, scratch}}; }

}  // namespace rw::cpu
