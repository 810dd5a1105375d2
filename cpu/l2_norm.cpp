// L2_NORM on the CPU. Equation and shapes: rewind/ops/l2_norm.h.
//
// cpu:plain is scalar C++ for any CPU: eight partial sums a row, added in pairs at the end.
#include "rewind/ops/l2_norm.h"

#include <algorithm>
#include <cmath>

#include "cpu/cpu.h"

namespace rw::cpu {
namespace {

using namespace ops::l2_norm;

void plain_row(const float* x, float* out, int64_t n, float eps) {
    float sum[8] = {};
    for (int64_t i = 0; i < n; ++i) sum[i % 8] += x[i] * x[i];
    const float total = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    const float norm = std::max(std::sqrt(total), eps);
    for (int64_t i = 0; i < n; ++i) out[i] = x[i] / norm;
}

/// Calls row(x, out) for every row, on all threads.
template <class Row>
void rows(const Launch& launch, const Row& row) {
    const Params& p = launch.as<Params>();
    const int64_t count = int64_t(p.n1) * p.n2 * p.n3;
#pragma omp parallel for schedule(static) if (count * p.n > 16384)
    for (int64_t r = 0; r < count; ++r) {
        const int64_t i1 = r % p.n1, i2 = r / p.n1 % p.n2, i3 = r / p.n1 / p.n2;
        const FlushDenormals flush;
        row(launch.at<const float>(arg::x) + i1 * p.x_1 + i2 * p.x_2 + i3 * p.x_3,
            launch.at<float>(arg::out) + i1 * p.o_1 + i2 * p.o_2 + i3 * p.o_3);
    }
}

void plain(const Launch& launch) {
    const Params& p = launch.as<Params>();
    rows(launch, [&](const float* x, float* out) { plain_row(x, out, p.n, p.eps); });
}

}  // namespace

std::vector<Kernel> l2_norm_kernels() { return {{"cpu:plain", nullptr, plain}}; }

}  // namespace rw::cpu
