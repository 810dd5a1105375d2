// The definition of SSM_SCAN, in double. Equation and shapes: rewind/ops/ssm_scan.h.
#include "rewind/ops/ssm_scan.h"

#include <cmath>

#include "reference/scan.h"

namespace rw::reference {

void ssm_scan(Run& run) {
    using namespace ops::ssm_scan;
    const Params p = params(run.call);
    const auto token = [&](size_t row, int h) {
        const int group = h / (p.H / p.n_group);
        double step = run.value[arg::dt][row * size_t(p.H) + size_t(h)];
        if (p.has_dt_bias) step += run.value[arg::dt_bias][size_t(h)];
        if (p.step == RW_STEP_SOFTPLUS) step = step > 30 ? step : std::log1p(std::exp(step));
        ScanToken x;
        for (int i = 0; i < p.S_k; ++i)
            x.decay.push_back(std::exp(step * run.value[arg::a][size_t(h * p.a_width + (p.a_width == 1 ? 0 : i))]));
        x.key = scan_row(run, arg::b, row, p.n_group, group, p.S_k);
        x.query = scan_row(run, arg::c, row, p.n_group, group, p.S_k);
        x.value = scan_row(run, arg::x, row, p.H, h, p.S_v);
        for (double& value : x.value) value *= step;
        return x;
    };
    const auto result = [&](size_t row, int h, int j, double y) {
        if (!p.has_d) return y;
        return y + run.value[arg::d][size_t(h)] * scan_row(run, arg::x, row, p.H, h, p.S_v)[size_t(j)];
    };
    scan(run, p, {arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::out, arg::state_out}, token, result);
}

}  // namespace rw::reference
