// The definitions: one plain function an op, in double, loops only. It includes the op's contract for shapes and
// attributes and shares no arithmetic with any backend. Linked by tests, bench and tools, never by a product.
#pragma once

#include "rewind/ops/registry.h"

namespace rw::reference {

/// A call with packed values in ne order (fastest first) instead of buffers.
struct Run {
    const ops::Call& call;                        // shapes and attributes; buffers and strides mean nothing here
    std::vector<std::vector<double>> value;       // one an argument; empty when absent. Outputs hold what was there
    std::vector<std::vector<uint8_t>> written;    // one an output, same size: 1 where the op has to write
    uint32_t fault = 0;                           // RW_FAULT_* bits that the op has to raise

    bool has(int arg) const { return !value[size_t(arg)].empty(); }
    /// The i-th entry of an i32 vector, or the fallback when the argument is absent.
    int index(int arg, int i, int fallback) const { return has(arg) ? int(value[size_t(arg)][size_t(i)]) : fallback; }
    void write(int arg, size_t at, double x) { value[size_t(arg)][at] = x, written[size_t(arg)][at] = 1; }
};

/// Runs the definition of the call's op. `value` has to hold every present argument.
void run(Run& run);

}  // namespace rw::reference
