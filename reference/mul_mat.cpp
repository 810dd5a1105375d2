// The definition of MUL_MAT, in double. Equation and shapes: rewind/ops/mul_mat.h.
#include "rewind/ops/mul_mat.h"

#include "reference/reference.h"

namespace rw::reference {

void mul_mat(Run& run) {
    using namespace ops::mul_mat;
    const std::vector<double>&w = run.value[arg::w], &x = run.value[arg::x], &add = run.value[arg::add];
    const size_t K = size_t(run.call.arg[arg::w].ne[0]), N = size_t(run.call.arg[arg::w].ne[1]);
    const size_t R = size_t(run.call.arg[arg::x].ne[1]);
    for (size_t r = 0; r < R; ++r)
        for (size_t n = 0; n < N; ++n) {
            double sum = run.has(arg::add) ? add[r * N + n] : 0;
            for (size_t k = 0; k < K; ++k) sum += w[n * K + k] * x[r * K + k];
            run.write(arg::out, r * N + n, sum);
        }
}

}  // namespace rw::reference
