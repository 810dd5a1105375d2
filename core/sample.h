// An example call bound to memory of a device: what the self-test, the demo and the benches run.
#pragma once

#include "core/device.h"

namespace rw::core {

/// Throws Error, naming the argument, for an example with extents below 1 or more elements than memory can hold: such
/// words make no data.
void check_size(const ops::Op& op, const ops::Example& example);

class Sample {
public:
    /// Allocates one buffer an argument (aliased ones share) and fills it from the seed.
    Sample(Device& device, const ops::Op& op, const ops::Example& example, uint64_t seed);
    const ops::Call& call() const { return call_; }
    /// Writes the initial contents again.
    void reset();
    /// Packed values of an argument as they are on the device now.
    std::vector<double> read(int arg) const;

private:
    ops::Call call_;
    std::vector<std::shared_ptr<Buffer>> buffers_;
    std::vector<std::vector<std::byte>> images_;  // initial bytes; empty for an aliased argument
};

/// sum (x - y)^2 / sum y^2, with the plain mean square of x - y when y is all zero. NaN and inf are equal only to
/// themselves; any other use of them gives infinity.
double nmse(std::span<const double> x, std::span<const double> y);

}  // namespace rw::core
