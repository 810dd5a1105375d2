// Diagnostics. Silent by default; REWIND_VERBOSE=dispatch,selftest,... or set_verbose() turns topics on, set_sink()
// sends the lines elsewhere. set_verbose() throws Error(invalid_argument) for a topic that is not in log.cpp's list.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace rw::core {

void set_verbose(std::string_view comma_separated_topics);
bool verbose(std::string_view topic);
void set_sink(std::function<void(std::string_view line)> sink);  // null: stderr
/// Printed when the topic is on.
void log(std::string_view topic, const std::string& line);
/// Printed always: something is wrong and the library went on without it.
void warn(const std::string& line);

}  // namespace rw::core
