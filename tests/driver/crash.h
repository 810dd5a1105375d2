// What is running, said even when a driver takes the process down with it.
#pragma once

#include <string>

namespace rw::test {

/// While it lives, a fatal signal prints `text` on standard error before the process ends as it would have. One at a
/// time; the text is cut at about a thousand characters. A stack overflow prints nothing.
class CrashNote {
public:
    explicit CrashNote(const std::string& text);
    ~CrashNote();
    CrashNote(const CrashNote&) = delete;
    CrashNote& operator=(const CrashNote&) = delete;
};

}  // namespace rw::test
