// Work units over threads. Kernels compiled for one instruction set come in through a plain function pointer, so that
// no OpenMP code is outlined inside a region of target attributes.
#pragma once

#include <cstdint>

namespace rw::cpu {

/// Calls body(context, unit) for unit = 0 .. units - 1 on all threads, denormals flushed.
void run_units(int64_t units, void (*body)(const void* context, int64_t unit), const void* context);

template <class Body>
void for_units(int64_t units, const Body& body) {
    run_units(units, [](const void* b, int64_t unit) { (*static_cast<const Body*>(b))(unit); }, &body);
}

/// Into how many parts a head's columns are cut: a power of two, at most `most`, so that `heads` keep all threads busy.
/// Only the schedule depends on it, never a bit of the result.
int64_t column_parts(int64_t heads, int64_t most);

}  // namespace rw::cpu
