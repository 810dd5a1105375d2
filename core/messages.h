// The words with which implementations decline a call: one file, so that the same refusal reads the same everywhere.
#pragma once

namespace rw::core::why {

inline constexpr char not_forced[] = "another implementation was asked for";
inline constexpr char selftest_failed[] = "failed its self-test on this device";
inline constexpr char cpu_target_missing[] = "this CPU lacks the instruction set";
inline constexpr char prefill_only[] = "takes path = prefill only";
inline constexpr char few_rows[] = "so few rows are faster without it";
inline constexpr char rows_overlap[] = "takes no rows that overlap";
inline constexpr char no_onednn[] = "this build is without oneDNN";

}  // namespace rw::core::why
