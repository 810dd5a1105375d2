#include "cpu/targets.h"

#include <algorithm>
#include <cctype>

namespace rw::cpu {

int64_t supported_targets() {
    static const int64_t targets = hwy::SupportedTargets();
    return targets;
}

std::string target_kernel_name(int64_t target) {
#if HWY_ARCH_X86
    if (target == HWY_AVX3) return "cpu:avx512";
#endif
    std::string name = hwy::TargetName(target);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return "cpu:" + name;
}

}  // namespace rw::cpu
