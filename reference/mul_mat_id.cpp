// The definition of MUL_MAT_ID, in double. Equation and shapes: rewind/ops/mul_mat_id.h.
#include "rewind/ops/mul_mat_id.h"

#include "reference/reference.h"

namespace rw::reference {

void mul_mat_id(Run& run) {
    using namespace ops::mul_mat_id;
    const std::vector<double>&w = run.value[arg::w], &x = run.value[arg::x];
    const size_t K = size_t(run.call.arg[arg::w].ne[0]), N = size_t(run.call.arg[arg::w].ne[1]);
    const size_t U = size_t(run.call.arg[arg::ids].ne[0]), R = size_t(run.call.arg[arg::ids].ne[1]);
    const size_t rows = size_t(run.call.arg[arg::x].ne[1]);
    const int E = int(run.call.arg[arg::w].ne[2]);
    for (size_t r = 0; r < R; ++r) {
        bool any = false;
        std::vector<double> sum(N, 0.0);
        for (size_t u = 0; u < U; ++u) {
            const int id = run.index(arg::ids, int(r * U + u), 0);
            if (id < -1 || id >= E) run.fault |= RW_FAULT_ROW;
            if (id < 0 || id >= E) continue;
            any = true;
            for (size_t n = 0; n < N; ++n) {
                double y = 0;
                for (size_t k = 0; k < K; ++k)
                    y += w[(size_t(id) * N + n) * K + k] * x[(r * rows + (rows == 1 ? 0 : u)) * K + k];
                if (run.has(arg::weight)) sum[n] += run.value[arg::weight][r * U + u] * y;
                else run.write(arg::out, (r * U + u) * N + n, y);
            }
        }
        for (size_t n = 0; n < N && any && run.has(arg::weight); ++n)
            run.write(arg::out, r * N + n, sum[n] + (run.has(arg::add) ? run.value[arg::add][r * N + n] : 0));
    }
}

}  // namespace rw::reference
