// The words with which implementations decline a call: one file, so that the same refusal reads the same everywhere.
#pragma once

namespace rw::core::why {

inline constexpr char not_forced[] = "another implementation was asked for";
inline constexpr char selftest_failed[] = "failed its self-test on this device";
inline constexpr char cpu_target_missing[] = "this CPU lacks the instruction set";
inline constexpr char needs_prefill[] = "takes path = prefill only";
inline constexpr char needs_exact[] = "takes path = exact only";
inline constexpr char not_aligned[] = "a tensor's offset or stride is not a multiple of 16 bytes";

}  // namespace rw::core::why
