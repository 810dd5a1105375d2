// How much memory a piece of code held at most: operator new and delete are counted in programs that link allocation.cpp.
#pragma once

#include <cstddef>

namespace rw::test {

class AllocationPeak {
public:
    AllocationPeak();
    /// Bytes held at most since construction, beyond what was held then.
    size_t bytes() const;

private:
    size_t start_;
};

}  // namespace rw::test
