// How many tokens a round may guess, as the command line has it.
#pragma once

#include <string>
#include <utility>

namespace rw::tools {

/// "auto", "auto:32" or a number: what is asked of a round (spec::n_auto for as many as pay), and the most that the context
/// has to be made for. Throws Error(invalid_argument).
std::pair<int, int> drafts_of(const std::string& text);

}  // namespace rw::tools
