// Every allocation of host memory fails once while a plan is made, run and changed on the CPU: operator new and
// aligned_alloc of this program are watched.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/support/faults.h"

namespace {

void* watched(size_t size) {
    if (rw::test::strike(rw::test::Watched::making)) throw std::bad_alloc();
    if (void* p = std::malloc(size ? size : 1)) return p;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t size) { return watched(size); }
void* operator new[](size_t size) { return watched(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }

extern "C" void* aligned_alloc(size_t alignment, size_t size) noexcept {
    if (rw::test::strike(rw::test::Watched::making)) return nullptr;
    void* p = nullptr;
    return posix_memalign(&p, alignment, size) ? nullptr : p;
}

namespace rw::test {
namespace {

TEST(HostMemory, EveryFailureIsSurvived) {
    EXPECT_GT(survives_running_out([] { return core::open("cpu"); }), 20);
}

TEST(HostMemory, RunningOutForGoodIsSurvived) {
    EXPECT_GT(survives_running_out([] { return core::open("cpu"); }, true), 20);
}

}  // namespace
}  // namespace rw::test
