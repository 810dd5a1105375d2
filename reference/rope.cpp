// The definition of ROPE, in double. Equation and shapes: rewind/ops/rope.h.
#include "rewind/ops/rope.h"

#include <algorithm>
#include <cmath>

#include "reference/reference.h"

namespace rw::reference {

void rope(Run& run) {
    using namespace ops::rope;
    const Extent& ne = run.call.arg[arg::x].ne;
    const int D = int(ne[0]), H = int(ne[1]), T = int(ne[2]), B = int(ne[3]), P = int(run.call.arg[arg::pos].ne[1]);
    const int dims = run.call.attr[attr::dims] > 0 ? int(run.call.attr[attr::dims]) : D;
    const auto section = [&](int plane) { return int(run.call.attr[size_t(attr::section_t + plane)]); };

    for (int b = 0; b < B; ++b)
        for (int t = 0; t < T; ++t) {
            const auto position = [&](int plane) { return run.index(arg::pos, (b * P + plane) * T + t, 0); };
            if (position(0) < 0) continue;
            bool bad = false;
            for (int plane = 1; plane < P; ++plane) bad = bad || position(plane) < 0;
            if (bad) {
                run.fault |= RW_FAULT_POS;
                continue;
            }
            for (int h = 0; h < H; ++h) {
                const size_t row = ((size_t(b) * size_t(T) + size_t(t)) * size_t(H) + size_t(h)) * size_t(D);
                const auto x = [&](int i) { return run.value[arg::x][row + size_t(i)]; };
                for (int p = 0; p < dims / 2; ++p) {
                    const int plane = P == 1 || p < 3 * section(p % 3) ? (P == 1 ? 0 : p % 3) : P == 4 ? 3 : 0;
                    const double angle = position(plane) * std::pow(run.call.attr[attr::freq_base], -2.0 * p / dims);
                    const double a = x(p), c = x(p + dims / 2);
                    run.write(arg::out, row + size_t(p), a * std::cos(angle) - c * std::sin(angle));
                    run.write(arg::out, row + size_t(p + dims / 2), a * std::sin(angle) + c * std::cos(angle));
                }
                for (int i = dims; i < D; ++i) run.write(arg::out, row + size_t(i), x(i));
            }
        }
}

}  // namespace rw::reference
