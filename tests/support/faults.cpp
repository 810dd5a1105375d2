#include "tests/support/faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "core/plan.h"
#include "rewind/ops/gated_delta_net.h"
#include "tests/driver/guard.h"

namespace rw::test {
namespace {

namespace gdn = ops::gated_delta_net;

std::atomic<Watched> armed{Watched::nothing};
std::atomic<int> countdown{-1}, hits{0};
std::atomic<bool> sticky{false};

/// One buffer a tensor for the longer of two calls; the shorter one is the beginning of it, in another layout.
struct Calls {
    explicit Calls(core::Device& device)
        : bound(device, Inputs(ops::find("GATED_DELTA_NET"),
                               ops::find("GATED_DELTA_NET").example(ops::Dims("S=32 H_v=2 T=200 path=prefill gates=weak")), 3)),
          longer(bound.call()), shorter(bound.call()) {
        for (const int arg : {gdn::arg::q, gdn::arg::k, gdn::arg::v, gdn::arg::g, gdn::arg::beta, gdn::arg::out})
            shorter.arg[size_t(arg)].ne[2] = 40;
    }
    std::vector<double> out() const { return bound.read().value[gdn::arg::out]; }
    bool untouched() const {
        const Outcome now = bound.read();
        for (const auto& touched : now.touched)
            if (std::count(touched.begin(), touched.end(), 1)) return false;
        return now.damage.empty();
    }
    Bound bound;
    ops::Call longer, shorter;
};

/// True when f ran out of memory; anything else that it throws is a failure of the test.
template <class F>
bool ran_out(F f) {
    try {
        f();
        return false;
    } catch (const Error& e) {
        disarm();
        EXPECT_EQ(name_of(e.status), std::string(name_of(Status::out_of_memory))) << e.what();
    } catch (const std::bad_alloc&) {
        disarm();
    }
    return true;
}

/// The bits of both calls on a device that works. Rows past the shorter call keep their poison: compared as bits.
bool same(const std::vector<double>& a, const std::vector<double>& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) {
               return x == y || (x != x && y != y);
           });
}

template <class F>
void lost(const char* what, F f) {
    for (int i = 0; i < 2; ++i) try {
            f();
            ADD_FAILURE() << what << " went on";
        } catch (const Error& e) {
            EXPECT_EQ(name_of(e.status), std::string(name_of(Status::device_lost))) << what << ": " << e.what();
        }
}

}  // namespace

void arm(Watched kind, int n, bool ever_after) { hits = 0, sticky = ever_after, countdown = n, armed = kind; }
void disarm() { armed = Watched::nothing; }
int struck() { return hits; }

bool strike(Watched kind) {
    if (kind == Watched::nothing || armed != kind) return false;
    const int left = countdown--;
    const bool now = left == 0 || (left < 0 && sticky);
    if (now) ++hits;
    return now;
}

int survives_running_out(const std::function<std::shared_ptr<core::Device>()>& open, bool ever_after) {
    std::vector<double> shorter, longer;
    {
        const auto device = open();
        const Calls calls(*device);
        core::Plan plan(device);
        plan.add(calls.shorter), plan.run(), shorter = calls.out();
        plan.update(0, calls.longer), plan.run(), longer = calls.out();
        EXPECT_FALSE(same(shorter, longer));
    }
    int planted = 0;
    for (int n = 0;; ++n) {  // while the plan is made and run for the first time
        SCOPED_TRACE("making, call " + std::to_string(n));
        const auto device = open();
        const Calls calls(*device);
        core::Plan plan(device);
        arm(Watched::making, n, ever_after);
        const bool not_added = ran_out([&] { plan.add(calls.shorter); });
        const bool not_run = !not_added && ran_out([&] { plan.submit(); });
        disarm();
        if (!struck()) break;
        ++planted;
        EXPECT_TRUE(not_added || not_run) << "a failure was not told";
        EXPECT_TRUE(calls.untouched()) << "a failed call wrote something";
        if (not_added) plan.add(calls.shorter);
        plan.run();
        EXPECT_TRUE(same(calls.out(), shorter));
        if (testing::Test::HasFailure()) return planted;
    }
    for (int n = 0;; ++n) {  // while a step is made longer
        SCOPED_TRACE("changing, call " + std::to_string(n));
        const auto device = open();
        const Calls calls(*device);
        core::Plan plan(device);
        plan.add(calls.shorter), plan.run();
        arm(Watched::making, n, ever_after);
        const bool not_changed = ran_out([&] { plan.update(0, calls.longer); });
        const bool not_run = !not_changed && ran_out([&] { plan.submit(); });
        disarm();
        if (!struck()) break;
        ++planted;
        EXPECT_TRUE(not_changed || not_run) << "a failure was not told";
        EXPECT_TRUE(same(calls.out(), shorter)) << "a failed call wrote something";
        if (not_changed) {
            plan.run();  // still the shorter one
            EXPECT_TRUE(same(calls.out(), shorter));
            plan.update(0, calls.longer);
        }
        plan.run();
        EXPECT_TRUE(same(calls.out(), longer));
        if (testing::Test::HasFailure()) return planted;
    }
    return planted;
}

void answers_lost(const std::shared_ptr<core::Device>& device, const std::function<void()>& lose) {
    const Calls calls(*device);
    const auto buffer = device->allocate(64), other = device->allocate(64);
    core::Plan plan(device), flying(device), fresh(device);
    plan.add(calls.shorter), plan.run();
    flying.add(calls.shorter), flying.submit();  // and destroyed with it unfinished
    lose();
    char bytes[64] = {};
    lost("allocate", [&] { device->allocate(64); });
    lost("write", [&] { buffer->write(0, bytes, 64); });
    lost("read", [&] { buffer->read(0, bytes, 64); });
    lost("copy", [&] { device->copy_seconds(*buffer, *other, 64); });
    lost("add", [&] { fresh.add(calls.shorter); });
    lost("update", [&] { plan.update(0, calls.longer); });
    lost("submit", [&] { plan.submit(); });
    lost("wait", [&] { plan.wait(); });
    lost("wait for what was under way", [&] { flying.wait(); });
    EXPECT_FALSE(device->info().name.empty());  // what needs no device still answers
}

}  // namespace rw::test
