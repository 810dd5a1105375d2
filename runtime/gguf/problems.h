// What is wrong with a model, one line each.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::gguf {

class Problems {
public:
    template <class... Args>
    void add(fmt::format_string<Args...> text, Args&&... args) {
        lines_.push_back(fmt::format(text, std::forward<Args>(args)...));
    }
    /// Runs f; an Error that it throws becomes a line.
    template <class F>
    bool attempt(F&& f) {
        try {
            f();
            return true;
        } catch (const Error& e) {
            lines_.push_back(e.what());
            return false;
        }
    }
    bool empty() const { return lines_.empty(); }
    const std::vector<std::string>& lines() const { return lines_; }

private:
    std::vector<std::string> lines_;
};

/// Counts one kind of mistake in a long list and reports it once, with the place of the first.
struct Tally {
    const char* what;
    uint64_t count = 0, first = 0;
    void at(uint64_t i) {
        if (count++ == 0) first = i;
    }
    void report(Problems& problems, const char* list) const {
        if (count > 0) problems.add("'{}': {} entries {}, the first is number {}", list, count, what, first);
    }
};

}  // namespace rw::gguf
