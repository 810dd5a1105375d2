#include "core/log.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace rw::core {
namespace {

struct State {
    std::mutex mutex;
    std::string topics;
    std::function<void(std::string_view)> sink;
};

State& state() {
    static State s;
    static const bool from_environment = [] {
        if (const char* value = std::getenv("REWIND_VERBOSE")) s.topics = value;
        return true;
    }();
    (void)from_environment;
    return s;
}

void emit(const std::string& line) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.sink)
        s.sink(line);
    else
        std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace

void set_verbose(std::string_view topics) {
    const std::lock_guard lock(state().mutex);
    state().topics = topics;
}

void set_sink(std::function<void(std::string_view)> sink) {
    const std::lock_guard lock(state().mutex);
    state().sink = std::move(sink);
}

bool verbose(std::string_view topic) {
    const std::lock_guard lock(state().mutex);
    if (state().topics.empty()) return false;
    const std::string list = "," + state().topics + ",";
    return list.find("," + std::string(topic) + ",") != list.npos || list == ",all,";
}

void log(std::string_view topic, const std::string& line) {
    if (verbose(topic)) emit("rewind: " + std::string(topic) + ": " + line);
}

void warn(const std::string& line) { emit("rewind: warning: " + line); }

}  // namespace rw::core
