#include "tools/interrupt.h"

#include <gtest/gtest.h>

namespace rw::tools {
namespace {

TEST(Interrupt, TheFirstIsHeardAndTheSecondKills) {
    for (const int signal : {SIGINT, SIGTERM})
        for (const int second : {SIGINT, SIGTERM})
            EXPECT_EXIT(
                {
                    const Interrupt interrupt;
                    if (Interrupt::asked() || Interrupt::status() != 0) _exit(1);
                    raise(signal);
                    if (!Interrupt::asked() || Interrupt::status() != 128 + signal) _exit(2);
                    raise(second);
                    _exit(3);
                },
                testing::KilledBySignal(second), "");
}

TEST(Interrupt, WhatWasIgnoredStaysIgnored) {
    EXPECT_EXIT(
        {
            std::signal(SIGINT, SIG_IGN);
            const Interrupt interrupt;
            raise(SIGINT);
            _exit(Interrupt::asked() ? 1 : 0);
        },
        testing::ExitedWithCode(0), "");
}

TEST(Interrupt, WhenItIsOverSignalsDoWhatTheyDid) {
    EXPECT_EXIT(
        {
            { const Interrupt interrupt; }
            raise(SIGTERM);
            _exit(0);
        },
        testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace rw::tools
