#include "cpu/parallel.h"

#include "cpu/cpu.h"

namespace rw::cpu {

void run_units(int64_t units, void (*body)(const void* context, int64_t unit), const void* context) {
    if (units <= 1) {
        const FlushDenormals flush;
        if (units == 1) body(context, 0);
        return;
    }
#pragma omp parallel
    {
        const FlushDenormals flush;
#pragma omp for schedule(dynamic)
        for (int64_t unit = 0; unit < units; ++unit) body(context, unit);
    }
}

int64_t column_parts(int64_t heads, int64_t most) {
    const int64_t wanted = 4 * int64_t(threads());  // a few units a thread even out what the machine does besides
    int64_t parts = 1;
    while (parts * 2 <= most && parts * heads < wanted) parts *= 2;
    return threads() == 1 ? 1 : parts;
}

}  // namespace rw::cpu
