#include "cpu/cpu.h"

#include "cpu_list.h"  // generated: the <stem>_kernels() of every op, in the order of ops.def

namespace rw::cpu {

std::vector<Kernel> kernels(int op) { return kernel_lists[op](); }

}  // namespace rw::cpu
