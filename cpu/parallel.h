// Work units over threads. Kernels compiled for one instruction set come in through a plain function pointer: nothing
// but the kernel itself is compiled with target attributes.
#pragma once

#include <cstdint>
#include <type_traits>

namespace rw::cpu {

/// Most threads that units ever run on, a constant of the process: what scratch is sized by.
int64_t workers();

/// Calls body(context, unit, worker) for unit = 0 .. units - 1 on all threads, denormals flushed. worker < workers(), and
/// no two units of the call share one at the same
/// time. Calls at the same time, and one made by a unit, may: scratch belongs to a recording, and units make no calls.
void run_units(int64_t units, void (*body)(const void* context, int64_t unit, int64_t worker), const void* context,
               int64_t work);

/// Multiply-adds, about, below which a second thread costs more than it brings.
constexpr int64_t kLittleWork = 1 << 18;

/// body(unit) or body(unit, worker). work: multiply-adds of all units; little work stays on the calling thread.
template <class Body>
void for_units(int64_t units, const Body& body, int64_t work = kLittleWork) {
    const auto call = [](const void* context, int64_t unit, int64_t worker) {
        const Body& b = *static_cast<const Body*>(context);
        if constexpr (std::is_invocable_v<const Body&, int64_t, int64_t>) b(unit, worker);
        else b(unit);
    };
    run_units(units, call, &body, work);
}

/// Bytes of the last-level caches that the threads share, at least those of one.
int64_t cache_bytes();

/// Into how many parts a head's columns are cut: a power of two, at most `most`, so that `heads` keep all threads busy.
/// Only the schedule depends on it, never a bit of the result.
int64_t column_parts(int64_t heads, int64_t most);

}  // namespace rw::cpu
