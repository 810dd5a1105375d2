#include "cpu/parallel.h"

#include <omp.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "cpu/cpu.h"
#include "cpu/pool.h"

namespace rw::cpu {

int64_t workers() {
    static const int64_t most = std::max(omp_get_max_threads(), omp_get_num_procs());
    return most;
}

void run_units(int64_t units, void (*body)(const void* context, int64_t unit, int64_t worker), const void* context,
               int64_t work) {
    static Pool pool(workers() - 1);
    pool.run(work < kLittleWork ? 1 : int64_t(threads()), units, body, context);
}

namespace {

/// What Linux says of cpu0's last-level cache: its size, and how many processors share it. 32 MiB where it says nothing.
struct Cache {
    int64_t bytes = 32 << 20, sharing = 1;

    Cache() {
        for (int index = 0;; ++index) {
            const std::string at = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
            std::ifstream size(at + "size"), list(at + "shared_cpu_list");
            int64_t kib = 0;
            if (!(size >> kib) || kib <= 0) return;
            bytes = kib << 10, sharing = 0;
            for (int64_t first = 0, last = 0; list >> first; list.ignore(1, ',')) {  // "0-7,64-71"
                last = first;
                if (list.peek() == '-') list.ignore(), list >> last;
                sharing += std::max<int64_t>(1, last - first + 1);
            }
            sharing = std::max<int64_t>(1, sharing);
        }
    }
};

}  // namespace

int64_t cache_bytes() {
    static const Cache cache;
    return cache.bytes * std::max<int64_t>(1, int64_t(threads()) / cache.sharing);
}

int64_t column_parts(int64_t heads, int64_t most) {
    const int64_t wanted = 4 * int64_t(threads());  // a few units a thread even out what the machine does besides
    int64_t parts = 1;
    while (parts * 2 <= most && parts * heads < wanted) parts *= 2;
    return threads() == 1 ? 1 : parts;
}

}  // namespace rw::cpu
