// Faults that drivers and memory cannot be asked for. A test program defines a driver's function itself, so that the
// library's calls arrive there; it asks strike() whether this call is to fail, and goes on to the real one otherwise.
#pragma once

#include <dlfcn.h>

#include <functional>

#include "core/device.h"

namespace rw::test {

/// What a watched call is for: making something, or running it.
enum class Watched { nothing, making, running };

/// From now on the n-th watched call of that kind (0: the next) fails; with `ever_after`, those behind it too.
void arm(Watched kind, int n, bool ever_after = false);
void disarm();
/// For a stand-in: true when its call has to fail.
bool strike(Watched kind);
/// Calls that failed since arm().
int struck();

/// The function that a stand-in stands before.
template <class F>
F real(const char* name) {
    return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

/// Makes, runs and changes a plan while each watched call in turn runs out of memory: a status, nothing written, and
/// the same plan then does what it was asked for, with the same bits. `open` opens the device afresh. Returns how many
/// faults were planted.
int survives_running_out(const std::function<std::shared_ptr<core::Device>()>& open, bool ever_after = false);

/// After `lose` has lost the device, every call on it, on its buffers and on its plans answers device_lost, again and
/// again, and destroying all of them is safe.
void answers_lost(const std::shared_ptr<core::Device>& device, const std::function<void()>& lose);

}  // namespace rw::test
