#include "core/log.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "rewind/ops/contract.h"

namespace rw::core {
namespace {

/// THE list of topics.
constexpr std::string_view topics_there_are[] = {"compile", "dispatch", "plan", "selftest"};

struct State {
    std::mutex mutex;
    std::string topics;
    std::function<void(std::string_view)> sink;
};

/// What is wrong with a list of topics, or empty.
std::string complaint(std::string_view topics) {
    if (topics.empty() || topics == "all") return "";
    for (std::string_view rest = topics;;) {
        const std::string_view topic = rest.substr(0, rest.find(','));
        if (std::find(std::begin(topics_there_are), std::end(topics_there_are), topic) == std::end(topics_there_are)) {
            std::string known;
            for (const std::string_view t : topics_there_are) known += std::string(t) + ", ";
            return "no topic '" + std::string(topic) + "'; expected some of " + known + "with commas between, or all";
        }
        if (topic.size() == rest.size()) return "";
        rest.remove_prefix(topic.size() + 1);
    }
}

State& state() {
    static State s;
    static const bool from_environment = [] {
        const char* value = std::getenv("REWIND_VERBOSE");
        if (!value) return false;
        s.topics = value;
        if (const std::string wrong = complaint(value); !wrong.empty())
            std::fprintf(stderr, "rewind: warning: REWIND_VERBOSE=%s: %s\n", value, wrong.c_str());
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
    if (const std::string wrong = complaint(topics); !wrong.empty()) throw Error(Status::invalid_argument, "log: " + wrong);
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
