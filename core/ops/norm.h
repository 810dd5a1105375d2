// The least length that kernels divide by.
#pragma once

#include <algorithm>
#include <cmath>

namespace rw::ops {

/// eps of x / max(|x|, eps) as kernels see it. 0 stays 0; anything above is at least 1e-18, whose square is still a
/// normal f32: below, devices that flush denormals would take it for 0, and 1 / eps overflows.
inline float used_norm(double eps) { return eps > 0 ? float(std::max(eps, 1e-18)) : 0; }

}  // namespace rw::ops
