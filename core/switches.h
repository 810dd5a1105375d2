// Switches of the environment that more than one part of core reads (docs/decisions/0011).
#pragma once

namespace rw::core {

enum class SelftestMode { cached, off, force };
/// What REWIND_SELFTEST says. Throws Error(invalid_argument) for a word that it does not know.
SelftestMode selftest_mode();

}  // namespace rw::core
