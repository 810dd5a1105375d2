// The definition of GET_ROWS. Shapes: rewind/ops/get_rows.h.
#include "rewind/ops/get_rows.h"

#include "reference/reference.h"

namespace rw::reference {

void get_rows(Run& run) {
    using namespace ops::get_rows;
    const Params p = params(run.call);
    for (int i = 0; i < p.N; ++i) {
        const int id = run.index(arg::ids, i, 0);
        if (id < -1 || id >= p.R) run.fault |= RW_FAULT_ROW;
        if (id < 0 || id >= p.R) continue;
        for (int j = 0; j < p.n; ++j)
            run.write(arg::out, size_t(i) * size_t(p.n) + size_t(j),
                      run.value[arg::table][size_t(id) * size_t(p.n) + size_t(j)]);
    }
}

}  // namespace rw::reference
