#include "tools/interrupt.h"

namespace rw::tools {
namespace {

volatile std::sig_atomic_t caught = 0;

void note(int signal) {
    caught = signal;
    std::signal(SIGINT, SIG_DFL), std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
    caught = 0;
    struct sigaction action {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    for (int i = 0; i < 2; ++i) {
        sigaction(signals_[i], nullptr, &before_[i]);
        if (before_[i].sa_handler != SIG_IGN) sigaction(signals_[i], &action, nullptr);
    }
}

Interrupt::~Interrupt() {
    for (int i = 0; i < 2; ++i) sigaction(signals_[i], &before_[i], nullptr);
}

bool Interrupt::asked() { return caught != 0; }
int Interrupt::status() { return caught ? 128 + caught : 0; }

}  // namespace rw::tools
