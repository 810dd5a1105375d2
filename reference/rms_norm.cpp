// The definition of RMS_NORM, in double. Equation and shapes: rewind/ops/rms_norm.h.
#include "rewind/ops/rms_norm.h"

#include <cmath>

#include "reference/reference.h"

namespace rw::reference {

void rms_norm(Run& run) {
    using namespace ops::rms_norm;
    std::vector<double> s = run.value[arg::x];
    const size_t n = size_t(run.call.arg[arg::x].ne[0]);
    if (run.has(arg::residual))
        for (size_t i = 0; i < s.size(); ++i) s[i] += run.value[arg::residual][i];
    if (run.has(arg::sum))
        for (size_t i = 0; i < s.size(); ++i) run.write(arg::sum, i, s[i]);
    for (size_t row = 0; row < s.size(); row += n) {
        double squares = 0;
        for (size_t i = 0; i < n; ++i) squares += s[row + i] * s[row + i];
        const double rms = std::sqrt(squares / double(n) + run.call.attr[attr::eps]);
        for (size_t i = 0; i < n; ++i) {
            double y = s[row + i] / rms;
            if (run.has(arg::weight)) y *= run.value[arg::weight][i];
            if (run.has(arg::gate)) y *= run.value[arg::gate][row + i] / (1 + std::exp(-run.value[arg::gate][row + i]));
            run.write(arg::out, row + i, y);
        }
    }
}

}  // namespace rw::reference
