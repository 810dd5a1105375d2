#include "tests/runtime/allocation.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> held{0}, peak{0};

void* counted(size_t size) {
    void* p = std::malloc(size ? size : 1);
    if (!p) throw std::bad_alloc();
    const size_t now = held += malloc_usable_size(p);
    size_t seen = peak;
    while (now > seen && !peak.compare_exchange_weak(seen, now)) {}
    return p;
}

void uncounted(void* p) {
    if (p) held -= malloc_usable_size(p);
    std::free(p);
}

}  // namespace

void* operator new(size_t size) { return counted(size); }
void* operator new[](size_t size) { return counted(size); }
void operator delete(void* p) noexcept { uncounted(p); }
void operator delete[](void* p) noexcept { uncounted(p); }
void operator delete(void* p, size_t) noexcept { uncounted(p); }
void operator delete[](void* p, size_t) noexcept { uncounted(p); }

namespace rw::test {

AllocationPeak::AllocationPeak() : start_(held) { peak = held.load(); }
size_t AllocationPeak::bytes() const { return peak - start_; }

}  // namespace rw::test
