// The definition of SWIGLU, in double. Equation and shapes: rewind/ops/swiglu.h.
#include "rewind/ops/swiglu.h"

#include <cmath>

#include "reference/reference.h"

namespace rw::reference {

void swiglu(Run& run) {
    using namespace ops::swiglu;
    const std::vector<double>& gate = run.value[arg::gate];
    const size_t n = size_t(run.call.arg[arg::out].ne[0]), wide = size_t(run.call.arg[arg::gate].ne[0]);
    for (size_t row = 0; row < gate.size() / wide; ++row)
        for (size_t i = 0; i < n; ++i) {
            const double g = gate[row * wide + (wide == 1 ? 0 : i)];
            const double up = run.has(arg::up) ? run.value[arg::up][row * n + i] : gate[row * wide + n + i];
            const double activated = (run.call.attr[attr::activation] == 0 ? g : 1) / (1 + std::exp(-g));
            run.write(arg::out, row * n + i, activated * up);
        }
}

}  // namespace rw::reference
