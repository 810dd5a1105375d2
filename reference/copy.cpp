// The definition of COPY. Shapes: rewind/ops/copy.h.
#include "rewind/ops/copy.h"

#include "reference/reference.h"
#include "reference/round.h"

namespace rw::reference {

void copy(Run& run) {
    using namespace ops::copy;
    const std::vector<double>& x = run.value[arg::x];
    for (size_t i = 0; i < x.size(); ++i) run.write(arg::out, i, rounded(run.call.arg[arg::out].type, x[i]));
}

}  // namespace rw::reference
