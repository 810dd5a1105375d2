// The CPU backend: Highway kernels with run-time dispatch, threads of its own (pool.h). Each op's stem registers its
// kernels here.
#pragma once

#include <atomic>

#include "core/device.h"

namespace rw::cpu {

/// What a kernel gets: parameters of the contract and one pointer an argument (null when absent), at its first element.
struct Launch {
    const void* params;
    void* const* arg;
    std::atomic<uint32_t>* fault;  // RW_FAULT_* bits
    std::byte* scratch;            // as many bytes as the kernel asked for, 64-byte aligned, contents undefined

    template <class Params>
    const Params& as() const { return *static_cast<const Params*>(params); }
    template <class T>
    T* at(int index) const { return static_cast<T*>(arg[index]); }
    void raise(uint32_t bits) const { fault->fetch_or(bits, std::memory_order_relaxed); }
};

struct Kernel {
    std::string name;  // "cpu:avx2"
    /// Why the call is not taken; null takes every valid call.
    std::string (*decline)(const ops::Call& call);
    void (*run)(const Launch& launch);
    size_t (*scratch)(const void* params) = nullptr;  // bytes
};

/// The kernels of an op, best first; from the generated list of cpu/<stem>.cpp functions
/// `std::vector<Kernel> rw::cpu::<stem>_kernels()`.
std::vector<Kernel> kernels(int op);

/// Threads that kernels run on, the calling one among them: as many as an OpenMP team of that thread would have
/// (OMP_NUM_THREADS, omp_set_num_threads, one inside a team of the program's own), else all cores.
int threads();

/// Flushes denormals for its lifetime and restores the mode of before: subnormal states are slow, and zero is within
/// every tolerance.
class FlushDenormals {
public:
    FlushDenormals();
    ~FlushDenormals();

private:
    unsigned saved_;
};

}  // namespace rw::cpu
