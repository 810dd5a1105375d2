// The words with which implementations decline a call: one file, so that the same refusal reads the same everywhere.
#pragma once

namespace rw::core::why {

inline constexpr char not_forced[] = "another implementation was asked for";
inline constexpr char selftest_failed[] = "failed its self-test on this device";
inline constexpr char cpu_target_missing[] = "this CPU lacks the instruction set";

}  // namespace rw::core::why
