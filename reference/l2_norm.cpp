// The definition of L2_NORM, in double. Equation and shapes: rewind/ops/l2_norm.h.
#include "rewind/ops/l2_norm.h"

#include <algorithm>
#include <cmath>

#include "reference/reference.h"

namespace rw::reference {

void l2_norm(Run& run) {
    using namespace ops::l2_norm;
    const std::vector<double>& x = run.value[arg::x];
    const size_t n = size_t(run.call.arg[arg::x].ne[0]);
    const double asked = run.call.attr[attr::eps], eps = asked > 0 ? std::max(asked, 1e-18) : 0;
    for (size_t row = 0; row < x.size(); row += n) {
        double norm = 0;
        for (size_t i = 0; i < n; ++i) norm += x[row + i] * x[row + i];
        norm = std::max(std::sqrt(norm), eps);
        for (size_t i = 0; i < n; ++i) run.write(arg::out, row + i, x[row + i] / norm);
    }
}

}  // namespace rw::reference
