// SSM_SCAN on the CPU. Equation and shapes: rewind/ops/ssm_scan.h; the frame: cpu/scan.h.
//
// A first pass turns dt into the step, and into the decay when a has width 1, for all tokens and heads at once: scratch
// is [step | decay], each [H, rows of tokens].
#include "rewind/ops/ssm_scan.h"

#include "cpu/scan.h"

namespace rw::cpu {
namespace {

using namespace ops::ssm_scan;

constexpr ScanArgs scan_args{arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::state_out};

/// Rows of tokens, up to whole units of the first pass.
constexpr int64_t unit_rows = 16;
int64_t token_rows(const Params& p) { return p.packed ? p.N : int64_t(p.T) * p.B; }
int64_t padded_rows(const Params& p) { return (token_rows(p) + unit_rows - 1) / unit_rows * unit_rows; }

size_t scratch(const void* params) {
    const auto& p = *static_cast<const Params*>(params);
    return 2 * size_t(padded_rows(p)) * size_t(p.H) * sizeof(float);
}

void steps(const Launch& launch, const Params& p, const ScanArithmetic& arithmetic) {
    const float *dt = launch.at<const float>(arg::dt), *bias = launch.at<const float>(arg::dt_bias);
    const float* a = launch.at<const float>(arg::a);
    for_units(padded_rows(p) / unit_rows, [&](int64_t unit) {
        float* step = reinterpret_cast<float*>(launch.scratch) + unit * unit_rows * p.H;
        float* decay = step + padded_rows(p) * p.H;
        for (int64_t i = 0; i < unit_rows; ++i) {
            const int64_t row = std::min(unit * unit_rows + i, token_rows(p) - 1);
            const float* from = dt + row % p.N * p.dt_t + row / p.N * p.dt_b;
            for (int64_t h = 0; h < p.H; ++h) step[i * p.H + h] = bias ? from[h] + bias[h] : from[h];
        }
        if (p.step == RW_STEP_SOFTPLUS) arithmetic.softplus(step, unit_rows * p.H);
        if (p.a_width != 1) return;
        for (int64_t i = 0; i < unit_rows; ++i)
            for (int64_t h = 0; h < p.H; ++h) decay[i * p.H + h] = step[i * p.H + h] * a[h * p.a_h];
        arithmetic.exp(decay, unit_rows * p.H);
    });
}

struct Source {
    using Params = ops::ssm_scan::Params;
    const Launch& launch;
    const Params& p;
    const Sequence& s;
    int64_t h;

    ScanToken token(int64_t t, float* decay, const ScanArithmetic& arithmetic) const {
        const int64_t row = s.token + t, group = h / (p.H / p.n_group), at = (s.b * p.N + row) * p.H + h;
        const float* step = reinterpret_cast<const float*>(launch.scratch) + at;
        ScanToken x{step + padded_rows(p) * p.H,
                    launch.at<const float>(arg::b) + group * p.b_g + row * p.b_t + s.b * p.b_b,
                    launch.at<const float>(arg::c) + group * p.c_g + row * p.c_t + s.b * p.c_b,
                    nullptr,
                    nullptr,
                    launch.at<const float>(arg::x) + h * p.x_h + row * p.x_t + s.b * p.x_b,
                    launch.at<float>(arg::out) + h * p.o_h + row * p.o_t + s.b * p.o_b};
        x.shared_decay = p.a_width == 1;
        if (!x.shared_decay) {
            const float* a = launch.at<const float>(arg::a) + h * p.a_h;
            for (int i = 0; i < p.S_k; ++i) decay[i] = *step * a[i];
            arithmetic.exp(decay, p.S_k);
            x.decay = decay;
        }
        x.value_by = *step;
        x.has_skip = p.has_d;
        if (p.has_d) x.skip = launch.at<const float>(arg::d)[h];
        return x;
    }
};

void run(const Launch& launch, const ScanArithmetic& arithmetic) {
    steps(launch, launch.as<Params>(), arithmetic);
    run_scan<Source>(launch, scan_args, arithmetic);
}

}  // namespace

std::vector<Kernel> ssm_scan_kernels() { return scan_kernels<run>(scratch); }

}  // namespace rw::cpu
