// Selection, the walk and the self-test, on devices made for it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <unistd.h>

#include "core/log.h"
#include "core/messages.h"
#include "core/plan.h"
#include "core/selftest.h"
#include "rewind/ops/gated_delta_net.h"
#include "tests/driver/guard.h"
#include "tests/support/fake_device.h"

namespace rw::core {
namespace {

using test::Bound;
using test::FakeDevice;
using test::honest;
using test::Inputs;

const ops::Op& op() { return ops::find("GATED_DELTA_NET"); }
Inputs small() { return Inputs(op(), op().example(ops::Dims("S=16 T=2")), 1); }

uint32_t broken(const ops::Call& call, const std::vector<std::byte*>& args) {
    honest(call, args);
    reinterpret_cast<float*>(args[ops::gated_delta_net::arg::out])[0] += 1;
    return 0;
}

/// Verdicts go to a cache of this test's own; warnings are kept.
struct Selection : testing::Test {
    std::vector<std::string> lines;
    std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>(
        testing::UnitTest::GetInstance()->current_test_info()->name());

    void SetUp() override {
        set_sink([this](std::string_view line) { lines.emplace_back(line); });
    }
    void TearDown() override { set_sink(nullptr), set_verbose(""); }
    std::string taken(const std::string& forced = "") {
        const Bound bound(*device, small());
        const Implementation* i = walk(*device, op(), bound.call(), forced).chosen;
        return i ? i->name() : "none";
    }
    bool printed(const std::string& text) const {
        for (const std::string& l : lines)
            if (l.find(text) != l.npos) return true;
        return false;
    }
};

const bool own_cache = [] {
    const auto folder = std::filesystem::temp_directory_path() / ("rewind-select-test-" + std::to_string(getpid()));
    setenv("XDG_CACHE_HOME", folder.c_str(), 1);
    std::atexit([] { std::filesystem::remove_all(std::getenv("XDG_CACHE_HOME")); });
    return true;
}();

TEST_F(Selection, FirstThatTakesTheCall) {
    device->add("fake:fast", honest, "needs a pony");
    device->add("fake:good", honest);
    device->add("fake:plain", honest);
    EXPECT_EQ(taken(), "fake:good");
    EXPECT_EQ(taken("fake:plain"), "fake:plain");
    EXPECT_EQ(taken("fake:fast"), "none");
}

TEST_F(Selection, TheWalkSaysWhy) {
    device->add("fake:fast", honest, "needs a pony");
    device->add("fake:good", honest);
    device->add("fake:plain", honest);
    const Bound bound(*device, small());
    const Walk w = walk(*device, op(), bound.call(), "fake:plain");
    ASSERT_EQ(w.lines.size(), 3u);
    EXPECT_EQ(w.lines[0].reason, why::not_forced);
    EXPECT_EQ(w.lines[2].reason, "");
    EXPECT_NE(walk(*device, op(), bound.call()).text().find("fake:fast: needs a pony"), std::string::npos);
}

TEST_F(Selection, VerboseDispatchPrintsTheWalk) {
    device->add("fake:fast", honest, "needs a pony");
    device->add("fake:good", honest);
    const Bound bound(*device, small());
    select(*device, op(), bound.call());
    EXPECT_TRUE(lines.empty());
    set_verbose("dispatch");
    select(*device, op(), bound.call());
    EXPECT_TRUE(printed("fake:fast: needs a pony"));
    EXPECT_TRUE(printed("fake:good: taken"));
}

TEST_F(Selection, NobodyTakesIt) {
    device->add("fake:fast", honest, "needs a pony");
    const Bound bound(*device, small());
    try {
        select(*device, op(), bound.call());
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::unsupported);
        EXPECT_NE(std::string(e.what()).find("needs a pony"), std::string::npos);
    }
    try {
        select(*device, op(), bound.call(), "fake:none");
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::not_found);
    }
}

TEST_F(Selection, ABrokenKernelIsDroppedAndTheNextTaken) {
    device->selftest = true;
    device->add("fake:broken", broken);
    device->add("fake:good", honest);
    EXPECT_EQ(taken(), "fake:good");
    EXPECT_TRUE(printed("fake:broken for GATED_DELTA_NET is wrong on this device"));
    EXPECT_EQ(taken("fake:broken"), "none");  // not even when asked for
    const Bound bound(*device, small());
    Plan plan(device);
    EXPECT_EQ(plan.implementation(plan.add(bound.call())), "fake:good");
    plan.run();
    EXPECT_TRUE(bound.read().damage.empty());
}

TEST_F(Selection, AKernelThatThrowsIsDropped) {
    device->selftest = true;
    device->add("fake:throws", [](auto&, auto&) -> uint32_t { throw Error(Status::internal, "compiler said no"); });
    device->add("fake:good", honest);
    EXPECT_EQ(taken(), "fake:good");
    EXPECT_TRUE(printed("compiler said no"));
}

TEST_F(Selection, AKernelThatWritesNothingIsDropped) {
    device->selftest = true;
    device->add("fake:idle", [](auto&, auto&) { return 0u; });
    device->add("fake:good", honest);
    EXPECT_EQ(taken(), "fake:good");
}

TEST_F(Selection, SelfTestCanBeTurnedOff) {
    device->selftest = true;
    device->add("fake:broken", broken);
    setenv("REWIND_SELFTEST", "0", 1);
    EXPECT_EQ(taken(), "fake:broken");
    unsetenv("REWIND_SELFTEST");
    EXPECT_EQ(taken(), "none");
}

TEST_F(Selection, ASelfTestModeThatThereIsNoneIsRefused) {
    device->selftest = true;
    device->add("fake:good", honest);
    setenv("REWIND_SELFTEST", "banana", 1);
    try {
        taken();
        ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::invalid_argument);
        EXPECT_NE(std::string(e.what()).find("REWIND_SELFTEST=banana: expected 0"), std::string::npos) << e.what();
    }
    setenv("REWIND_SELFTEST", "1", 1);
    EXPECT_EQ(taken(), "fake:good");
    unsetenv("REWIND_SELFTEST");
}

TEST(Log, TopicsThatThereAreNoneAreRefused) {
    for (const char* topics : {"", "all", "dispatch", "plan,compile,selftest"}) EXPECT_NO_THROW(set_verbose(topics)) << topics;
    for (const char* topics : {"dispach", "dispatch,", "dispatch,all", ","}) {
        try {
            set_verbose(topics);
            ADD_FAILURE() << topics;
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find("expected some of compile, dispatch"), std::string::npos) << e.what();
        }
    }
    set_verbose("");
}

TEST_F(Selection, TheVerdictIsRemembered) {
    device->selftest = true;
    int runs = 0;
    device->add("fake:good", [&runs](const ops::Call& c, const std::vector<std::byte*>& a) { return ++runs, honest(c, a); });
    EXPECT_EQ(taken(), "fake:good");
    const int first = runs;
    EXPECT_GT(first, 0);
    EXPECT_EQ(taken(), "fake:good");
    EXPECT_EQ(runs, first);
}

std::string remembered() {
    std::ifstream in(std::filesystem::path(std::getenv("XDG_CACHE_HOME")) / "rewind" / "selftest");
    return std::string(std::istreambuf_iterator<char>(in), {});
}

/// Sets an environment variable for as long as it lives.
struct Setting {
    Setting(const char* name, const char* value) : name(name) { setenv(name, value, 1); }
    ~Setting() { unsetenv(name); }
    const char* name;
};

TEST_F(Selection, AFailureNamesTheFileThatRemembersItAndTheWayOut) {
    device->selftest = true;
    bool right = false;
    device->add("fake:mended", [&right](const ops::Call& c, const std::vector<std::byte*>& a) {
        return right ? honest(c, a) : broken(c, a);
    });
    EXPECT_EQ(taken(), "none");
    EXPECT_TRUE(printed("rewind/selftest"));
    EXPECT_TRUE(printed("REWIND_SELFTEST=force"));
    EXPECT_NE(remembered().find("fail "), std::string::npos);
}

TEST_F(Selection, KernelsOfADevelopersOwnAreJudgedApart) {
    for (const char* name : {"REWIND_KERNEL_DIR", "REWIND_TUNE"}) {
        bool edited = true;
        const auto open = [&] {
            device = std::make_shared<FakeDevice>(std::string("edited under ") + name);
            device->selftest = true;
            device->add("fake:edited", [&edited](const ops::Call& c, const std::vector<std::byte*>& a) {
                return edited ? broken(c, a) : honest(c, a);
            });
        };
        open();
        {
            const Setting on(name, "/nowhere");
            EXPECT_EQ(taken(), "none") << name;
        }
        EXPECT_EQ(remembered().find(name), std::string::npos);
        edited = false;
        EXPECT_EQ(taken(), "fake:edited") << name;  // the failure was another kernel's
        edited = true, open();
        const Setting on(name, "/elsewhere");
        EXPECT_EQ(taken(), "none") << name;  // so was the pass
    }
}

TEST_F(Selection, KernelsForLargeTensorsAreTestedOnSmallOnes) {
    device->selftest = true;
    device->add("fake:far", broken, "for tensors larger than one binding").large_only = true;
    const core::Implementation& far = *device->implementations(op().id)[0];
    EXPECT_FALSE(selftest_passed(*device, op(), far));
}

TEST_F(Selection, WhatNoCallFitsIsSaidAndNotRemembered) {
    device->selftest = true;
    device->add("fake:special", honest, "takes calls on Sundays only");
    const core::Implementation& special = *device->implementations(op().id)[0];
    EXPECT_TRUE(selftest_passed(*device, op(), special));
    EXPECT_TRUE(printed("fake:special for GATED_DELTA_NET is used untested"));
    EXPECT_EQ(remembered().find(device->info().id + "|"), std::string::npos);
    EXPECT_EQ(remembered().find("fake:special"), std::string::npos);
}

TEST_F(Selection, ASelfTestSaysSoBeforeItStarts) {
    device->selftest = true;
    bool said = false;
    device->add("fake:slow", [&](const ops::Call& c, const std::vector<std::byte*>& a) {
        return said = said || printed("comparing with the CPU"), honest(c, a);
    });
    set_verbose("selftest");
    EXPECT_EQ(taken(), "fake:slow");
    EXPECT_TRUE(said);
}

TEST_F(Selection, DevicesDoNotWaitForEachOther) {
    device->selftest = true;
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    std::promise<void> started;
    bool once = false;
    device->add("fake:slow", [&](const ops::Call& c, const std::vector<std::byte*>& a) {
        if (!once) once = true, started.set_value();
        released.wait();
        return honest(c, a);
    });
    std::thread slow([this] { EXPECT_EQ(taken(), "fake:slow"); });
    started.get_future().wait();
    const auto other = std::make_shared<FakeDevice>("another that is tested meanwhile");
    other->selftest = true;
    other->add("fake:quick", honest);
    EXPECT_TRUE(selftest_passed(*other, op(), *other->implementations(op().id)[0]));  // would wait for ever
    release.set_value();
    slow.join();
}

}  // namespace
}  // namespace rw::core
