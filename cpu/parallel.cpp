#include "cpu/parallel.h"

#include <omp.h>

#include <algorithm>

#include "cpu/cpu.h"

namespace rw::cpu {

int64_t workers() {
    static const int64_t most = std::max(omp_get_max_threads(), omp_get_num_procs());
    return most;
}

void run_units(int64_t units, void (*body)(const void* context, int64_t unit, int64_t worker), const void* context,
               int64_t work) {
    const int team = int(std::min({units, int64_t(threads()), workers()}));
    if (team <= 1 || work < kLittleWork) {
        const FlushDenormals flush;
        for (int64_t unit = 0; unit < units; ++unit) body(context, unit, 0);
        return;
    }
#pragma omp parallel num_threads(team)
    {
        const FlushDenormals flush;
#pragma omp for schedule(dynamic)
        for (int64_t unit = 0; unit < units; ++unit) body(context, unit, omp_get_thread_num());
    }
}

int64_t column_parts(int64_t heads, int64_t most) {
    const int64_t wanted = 4 * int64_t(threads());  // a few units a thread even out what the machine does besides
    int64_t parts = 1;
    while (parts * 2 <= most && parts * heads < wanted) parts *= 2;
    return threads() == 1 ? 1 : parts;
}

}  // namespace rw::cpu
