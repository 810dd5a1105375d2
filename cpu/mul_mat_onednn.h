#pragma once

#include "cpu/cpu.h"

namespace rw::cpu {

/// cpu:onednn of MUL_MAT. In a build without oneDNN it declines every call, saying so.
Kernel onednn_mul_mat();

}  // namespace rw::cpu
