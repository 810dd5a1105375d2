// Rounding to an element type, as the definitions of ops that convert mean it: to nearest, ties to even.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "rewind/ops/contract.h"

namespace rw::reference {

inline double rounded(Type type, double x) {
    if (!std::isfinite(x) || x == 0 || type == Type::f32) return x;
    const bool half = type == Type::f16;
    const int digits = half ? 11 : 8, least = half ? -14 : -126;  // of the mantissa; exponent of the least normal number
    int exponent = 0;
    std::frexp(x, &exponent);  // x = m 2^exponent with m in [1/2, 1)
    const double unit = std::ldexp(1.0, std::max(exponent - 1, least) - (digits - 1));
    const double y = std::nearbyint(x / unit) * unit, most = half ? 65504 : 3.3895313892515355e38;
    return std::fabs(y) > most ? std::copysign(std::numeric_limits<double>::infinity(), x) : y;
}

}  // namespace rw::reference
