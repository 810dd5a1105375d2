#include "tests/driver/crash.h"

#include <csignal>
#include <cstring>

#include <unistd.h>

namespace rw::test {
namespace {

constexpr int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

char note[1024];
volatile sig_atomic_t length = 0;

/// The handler has been reset by then (SA_RESETHAND): returning runs into the fault again, raise covers the rest.
void say(int signal) {
    if (length) (void)!write(STDERR_FILENO, note, size_t(length));
    raise(signal);
}

/// Once a process, and not where something else (a sanitizer, a debugger) has taken the signal.
bool install() {
    for (const int signal : fatal) {
        struct sigaction old = {}, mine = {};
        mine.sa_handler = say;
        mine.sa_flags = int(SA_RESETHAND);
        if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_DFL) sigaction(signal, &mine, nullptr);
    }
    return true;
}

}  // namespace

CrashNote::CrashNote(const std::string& text) {
    static const bool installed = install();
    (void)installed;
    const std::string line = "\ncrashed in: " + text.substr(0, sizeof note - 32) + "\n";
    std::memcpy(note, line.data(), line.size());
    length = sig_atomic_t(line.size());
}

CrashNote::~CrashNote() { length = 0; }

}  // namespace rw::test
