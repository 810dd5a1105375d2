// Ctrl-C and SIGTERM: the first ends what runs in good order, the second kills.
//
//     const Interrupt interrupt;
//     while (!Interrupt::asked() && work()) {}
//     status = Interrupt::status();
//
// A signal that was ignored when the program began, as by nohup, stays ignored.
#pragma once

#include <csignal>

namespace rw::tools {

class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Whether somebody wants the end; never without an Interrupt.
    static bool asked();
    /// What a shell expects of who ended because of it: 130 after Ctrl-C; 0 when nobody asked.
    static int status();

private:
    static constexpr int signals_[] = {SIGINT, SIGTERM};
    struct sigaction before_[2];
};

}  // namespace rw::tools
