// A call bound to device memory in which every byte is accounted for. Each tensor lies inside a larger buffer that is
// filled with a pattern whose every aligned word is a NaN with its own payload: what lies before, behind and between
// the rows, and in outputs, is poison to whoever reads it and shows who wrote it.
#pragma once

#include <memory>

#include "core/device.h"
#include "tests/driver/inputs.h"

namespace rw::test {

/// What a run left behind.
struct Outcome {
    std::vector<std::vector<double>> value;     // one an argument: outputs only, packed
    std::vector<std::vector<uint8_t>> touched;  // one an output: 1 where the bits differ from those before the run
    std::vector<std::string> damage;            // bytes changed that belong to no output element
    bool faulted = false;                       // wait() threw Status::range
    std::string fault;                          // its message
};

class Bound {
public:
    Bound(core::Device& device, const Inputs& inputs);
    const ops::Call& call() const { return call_; }
    /// Reads all memory back and compares it with what was there before.
    Outcome read() const;
    /// True when an output's elements held poison before the run, so that `touched` means written.
    bool poisoned(int arg) const { return poisoned_[size_t(arg)]; }

private:
    struct Memory {
        std::shared_ptr<core::Buffer> buffer;
        std::vector<std::byte> image;
        std::vector<int> args;  // that lie in it
    };
    void lay_out(const Inputs& inputs, core::Device& device);

    const ops::Op& op_;
    ops::Call call_;
    std::vector<Memory> memory_;
    std::vector<int> memory_of_;
    std::vector<bool> poisoned_;
};

/// The pattern at a byte offset that is a multiple of 4.
uint32_t poison(uint64_t offset);

}  // namespace rw::test
