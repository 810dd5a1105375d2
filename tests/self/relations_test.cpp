// Faults that no implementation shows on its own, or only in what it leaves behind.
#include <gtest/gtest.h>

#include "rewind/ops/gated_delta_net.h"
#include "rewind/ops/gated_delta_net_ring.h"
#include "tests/driver/case_run.h"
#include "tests/support/fake_device.h"

namespace rw::test {
namespace {

using Args = std::vector<std::byte*>;
namespace gdn = ops::gated_delta_net;
namespace ring = ops::gated_delta_net_ring;

float* floats(const Args& args, int arg) { return reinterpret_cast<float*>(args[size_t(arg)]); }

/// Right within every tolerance, and the same bits from call to call, but not those of `honest`.
uint32_t other_bits(const ops::Call& call, const Args& args) {
    const uint32_t fault = honest(call, args);
    const Tensor& out = call.arg[gdn::arg::out];
    for (int64_t b = 0; b < out.ne[3]; ++b)
        for (int64_t t = 0; t < out.ne[2]; ++t)
            for (int64_t i = 0; i < out.ne[0] * out.ne[1]; ++i)
                floats(args, gdn::arg::out)[i + t * out.stride(2) + b * out.stride(3)] *= 1 + 1e-6f;
    return fault;
}

/// Two right implementations, the first of which takes only some calls: what each finds on its own, and what is found
/// when the library chooses.
void caught_when_selected(const std::string& line, const Refusal& refusal) {
    const auto device = std::make_shared<FakeDevice>("fake");
    device->add("fake:picky", other_bits, refusal);
    device->add("fake:plain", honest);
    for (const Finding& f : CaseRun(ops::find("GATED_DELTA_NET"), line, 7).on(device)) {
        EXPECT_EQ(f.result == Result::failed, f.implementation == selected) << line << ": " << f.implementation;
        if (f.implementation == selected && !f.notes.empty()) {
            EXPECT_NE(f.notes[0].find("bits differ"), std::string::npos) << f.notes[0];
        }
    }
    const auto alone = CaseRun(ops::find("GATED_DELTA_NET"), line, 7).on(device, selected);
    ASSERT_EQ(alone.size(), 1u);
    EXPECT_EQ(alone[0].result, Result::failed);
}

TEST(Selected, ByTheLengthOfTheCall) {
    const auto refusal = [](const ops::Call& c) { return c.arg[gdn::arg::v].ne[2] > 1 ? "one token only" : ""; };
    for (const char* check : {"serial", "partition"})
        caught_when_selected(std::string("check=") + check + " S=16 T=3 K=3 gates=weak path=exact", refusal);
}
TEST(Selected, ByTheBatch) {
    const auto refusal = [](const ops::Call& c) { return c.arg[gdn::arg::v].ne[3] > 1 ? "one sequence only" : ""; };
    caught_when_selected("check=sequences S=16 T=2 B=2 gates=weak path=exact", refusal);
}
TEST(Selected, ByTheOffsetOfAView) {
    const auto refusal = [](const ops::Call& c) { return c.arg[gdn::arg::g].offset % 16 ? "g is not aligned" : ""; };
    caught_when_selected("check=views S=16 H_k=1 H_v=3 T=4 alias=1 gates=weak path=exact", refusal);
}
TEST(Selected, OneImplementationIsNoChoice) {
    const auto device = std::make_shared<FakeDevice>("fake");
    device->add("fake:plain", honest);
    EXPECT_EQ(CaseRun(ops::find("GATED_DELTA_NET"), "check=serial S=16 T=2 path=exact", 7).on(device).size(), 1u);
}

Result ring_result(const std::string& line, Kernel kernel) {
    const auto device = std::make_shared<FakeDevice>("fake");
    device->add("fake:one", std::move(kernel));
    return CaseRun(ops::find("GATED_DELTA_NET_RING"), line, 7).on(device).at(0).result;
}

void ring_caught(const std::string& line, const Kernel& wrong) {
    EXPECT_EQ(ring_result(line, honest), Result::passed) << line;
    EXPECT_EQ(ring_result(line, wrong), Result::failed) << line;
}

TEST(RingMemory, BasesThatDependOnThePoolOrTheBatch) {
    const auto scaled = [](auto count) {
        return [count](const ops::Call& c, const Args& a) {
            const uint32_t fault = honest(c, a);
            const Tensor& d = c.arg[ring::arg::ring_d];
            for (int64_t i = 0; i < d.elements(); ++i) floats(a, ring::arg::ring_d)[i] *= 1 + 1e-6f * float(count(c));
            return fault;
        };
    };
    const std::string line = " S=16 H_k=1 T=3 B=2 W=4 pos=2,7 gates=weak path=exact";
    ring_caught("check=pool" + line, scaled([](const ops::Call& c) { return c.arg[ring::arg::base].ne[2]; }));
    ring_caught("check=sequences" + line, scaled([](const ops::Call& c) { return c.arg[ring::arg::pos].ne[0]; }));
}
TEST(RingMemory, PackedTokensTakenForOneSequence) {
    ring_caught("check=pool S=16 H_k=1 T=3 B=2 W=4 pos=2,7 len=3,2 gates=weak path=exact", [](ops::Call c, Args a) {
        if (a[ring::arg::first]) reinterpret_cast<int32_t*>(a[ring::arg::first])[1] = 0;
        return honest(c, a);
    });
}
TEST(RingMemory, WhatPrefillLeavesBehind) {
    ring_caught("check=life S=16 H_k=1 T=3 W=4 n_base=2 gates=weak path=exact", [](const ops::Call& c, const Args& a) {
        const uint32_t fault = honest(c, a);
        const int64_t T = c.arg[ring::arg::v].ne[2], R = c.arg[ring::arg::ring_d].ne[2], S = c.arg[ring::arg::ring_d].ne[0];
        if (c.attr[ring::attr::path] == 2) std::fill_n(floats(a, ring::arg::ring_d) + (T - 1) % R * S, S, 0.0f);
        return fault;
    });
}
TEST(RingMemory, PositionsNearTheirEnd) {
    const auto wrong = [](ops::Call c, Args a) {  // 24 bits of a position are kept
        int32_t& pos = *reinterpret_cast<int32_t*>(a[ring::arg::pos]);
        const int32_t before = pos;
        pos = int32_t(float(before));
        const uint32_t fault = honest(c, a);
        pos = before;
        return fault;
    };
    EXPECT_EQ(ring_result("check=grouping S=16 H_k=1 T=4 W=4 gates=weak path=exact", wrong), Result::passed);
    ring_caught("check=grouping S=16 H_k=1 T=4 W=4 pos=2147480000 gates=weak path=exact", wrong);
}

TEST(Terms, JudgeGroupsOfFewElements) {
    const auto verdict = [](size_t count, double terms) {
        const std::vector<double> want(count, 1e-7), got(count, 1.5e-7), sums(terms > 0 ? count : 0, terms);
        return compare({"x", &want, nullptr, &got, nullptr, false, 1e-12, {}, Nans::exact, sums}).ok();
    };
    EXPECT_FALSE(verdict(3, 0));     // half of the value is wrong
    EXPECT_TRUE(verdict(3, 1));      // ... which is the last bit of the terms that it is the difference of
    EXPECT_FALSE(verdict(3, 1e-3));  // ... or not
    EXPECT_FALSE(verdict(16, 1));    // chance does not cancel sixteen sums at once
}

}  // namespace
}  // namespace rw::test
