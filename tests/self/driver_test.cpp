// The driver against implementations with planted faults: each has to be caught by the check that is there for it, and
// the honest one has to pass them all.
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "rewind/ops/gated_delta_net.h"
#include "rewind/ops/gated_delta_net_ring.h"
#include "tests/driver/case_run.h"
#include "tests/driver/driver.h"
#include "tests/support/fake_device.h"

namespace rw::test {
namespace {

using Args = std::vector<std::byte*>;
namespace gdn = ops::gated_delta_net;
namespace ring = ops::gated_delta_net_ring;

float* floats(const Args& args, int arg) { return reinterpret_cast<float*>(args[size_t(arg)]); }

Finding run(const std::string& op, const std::string& line, Kernel kernel) {
    const auto device = std::make_shared<FakeDevice>("fake");
    device->add("fake:one", std::move(kernel));
    const std::vector<Finding> f = CaseRun(ops::find(op), line, 7).on(device);
    EXPECT_EQ(f.size(), 1u);
    return f.front();
}

Finding run(const std::string& line, Kernel kernel) { return run("GATED_DELTA_NET", line, std::move(kernel)); }

void caught(const std::string& line, Kernel kernel, const std::string& because = "") {
    EXPECT_EQ(run(line, honest).result, Result::passed) << line;
    const Finding f = run(line, std::move(kernel));
    EXPECT_EQ(f.result, Result::failed) << line;
    ASSERT_FALSE(f.notes.empty());
    EXPECT_NE(f.notes[0].find(because), std::string::npos) << f.notes[0];
}

constexpr char plain[] = "S=16 H_k=2 H_v=4 T=3 K=3 B=2 gates=weak";
constexpr char many_slots[] = "S=16 H_k=1 T=2 K=4 gates=weak";

/// Honest work, then a change to memory.
Kernel then(std::function<void(const ops::Call&, const Args&)> change) {
    return [change](const ops::Call& call, const Args& args) {
        const uint32_t fault = honest(call, args);
        change(call, args);
        return fault;
    };
}
/// Honest work on a call that was misunderstood.
Kernel misread(std::function<void(ops::Call&, Args&)> change) {
    return [change](ops::Call call, Args args) {
        change(call, args);
        return honest(call, args);
    };
}
/// Every output of the call is multiplied: wrong by less than any tolerance, but not the same bits.
Kernel scaled(std::function<double(const ops::Call&)> factor) {
    return then([factor](const ops::Call& call, const Args& args) {
        const int64_t n = call.arg[gdn::arg::out].elements();
        for (int64_t i = 0; i < n; ++i) {
            float& x = floats(args, gdn::arg::out)[i];
            uint32_t poisoned;
            std::memcpy(&poisoned, &x, 4);
            if ((poisoned & 0x7fc00000u) != 0x7fc00000u) x = float(x * factor(call));
        }
    });
}

TEST(Planted, WrongElement) {
    caught(plain, then([](auto&, auto& a) { floats(a, gdn::arg::state_out)[5] *= 1.1f; }), "state_out [head 0, slot 0");
    caught(plain, then([](auto&, auto& a) { floats(a, gdn::arg::out)[2 * 64 + 17] *= 1.1f; }), "out [:, 1, :, 0]");
}
TEST(Planted, SwappedSlots) {
    caught(plain, then([](auto& c, auto& a) {
        float* s = floats(a, gdn::arg::state_out);
        const int64_t D = c.arg[gdn::arg::state_out].ne[0];
        std::swap_ranges(s, s + D, s + D);
    }), "slot 0");
}
TEST(Planted, SlotOffByOne) {
    caught(many_slots, then([](auto& c, auto& a) {  // trailing slots 2 and 3 end up in 1 and 2
        float* s = floats(a, gdn::arg::state_out);
        const int64_t D = c.arg[gdn::arg::state_out].ne[0];
        std::memmove(s + D, s + 2 * D, size_t(2 * D) * sizeof(float));
    }), "written that must not be");
}
TEST(Planted, UntouchedSlotZeroed) {
    caught(many_slots, then([](auto& c, auto& a) {
        std::fill_n(floats(a, gdn::arg::state_out), c.arg[gdn::arg::state_out].ne[0], 0.0f);
    }), "written that must not be");
}
TEST(Planted, PastTheEnd) {
    caught(plain, then([](auto& c, auto& a) { floats(a, gdn::arg::out)[c.arg[gdn::arg::out].elements()] = 0; }),
           "past the end of out");
}
TEST(Planted, BeforeTheStart) {
    caught(plain, then([](auto&, auto& a) { floats(a, gdn::arg::state_out)[-1] = 0; }), "before state_out");
}
TEST(Planted, InputChanged) {
    caught(plain, then([](auto&, auto& a) { floats(a, gdn::arg::k)[3] *= 2; }), "of k");
}
TEST(Planted, PaddingWritten) {
    caught("S=16 H_k=1 T=3 layout=padded", then([](auto& c, auto& a) { floats(a, gdn::arg::q)[c.arg[0].ne[0]] = 0; }),
           "of q");
}
TEST(Planted, RowNotWritten) {
    caught(plain, [](const ops::Call& c, const Args& a) {
        float before[16];
        std::memcpy(before, floats(a, gdn::arg::out) + 64, sizeof before);
        const uint32_t fault = honest(c, a);
        std::memcpy(floats(a, gdn::arg::out) + 64, before, sizeof before);
        return fault;
    }, "16 elements not written, the first is 64");
}
TEST(Planted, NothingWritten) { caught(plain, [](auto&, auto&) { return 0u; }, "not written"); }
TEST(Planted, Nan) {
    caught(plain, then([](auto&, auto& a) { floats(a, gdn::arg::out)[0] = std::numeric_limits<float>::quiet_NaN(); }));
}
TEST(Planted, AllZero) {
    caught(plain, then([](auto& c, auto& a) {
        for (const int arg : {gdn::arg::out, gdn::arg::state_out})
            std::fill_n(floats(a, arg), c.arg[size_t(arg)].elements(), 0.0f);
    }), "NMSE");
}
TEST(Planted, InitialStateForgotten) {
    caught(plain, misread([](auto& c, auto& a) {
        std::fill_n(floats(a, gdn::arg::state), c.arg[gdn::arg::state].elements(), 0.0f);
    }));
}
TEST(Planted, WrongHeadMap) {
    caught(plain, misread([](auto& c, auto&) { c.attr[gdn::attr::heads] = 1 - c.attr[gdn::attr::heads]; }), "NMSE");
}
TEST(Planted, WrongOrder) {
    caught(plain, misread([](auto& c, auto&) { c.attr[gdn::attr::order] = 1 - c.attr[gdn::attr::order]; }), "NMSE");
}
TEST(Planted, InSlotIgnored) {
    caught("S=16 B=2 K_in=3 in_slot=2,1 gates=weak", misread([](auto& c, auto& a) {
        c.arg[gdn::arg::in_slot] = {}, a[gdn::arg::in_slot] = nullptr;
    }));
}
TEST(Planted, LengthIgnored) {
    caught("S=16 T=3 B=2 len=1,2 gates=weak", misread([](auto& c, auto& a) {
        c.arg[gdn::arg::seq_len] = {}, a[gdn::arg::seq_len] = nullptr;
    }));
}
TEST(Planted, FaultSwallowed) {
    constexpr char line[] = "S=16 B=2 in_slot=0,5 gates=weak";
    caught(line, [](auto& c, auto& a) { return definition(c, a), 0u; }, "no fault was raised");
    caught(line, [](auto& c, auto& a) { return definition(c, a), uint32_t(RW_FAULT_SEQ); }, "the fault was");
    caught(plain, [](auto& c, auto& a) { return definition(c, a), uint32_t(RW_FAULT_SEQ); }, "unexpected fault");
}

TEST(Relations, BitsThatDependOnTheCallsLength) {
    const auto wrong = scaled([](auto& c) { return 1 + 1e-6 * double(c.arg[gdn::arg::out].ne[2]); });
    EXPECT_EQ(run(plain, wrong).result, Result::passed);  // within tolerance: this is why there are relations
    caught("check=serial S=16 T=4 K=2 gates=weak path=exact", wrong, "bits differ");
    caught("check=partition S=16 T=4 K=2 gates=weak path=exact", wrong, "bits differ");
}
TEST(Relations, BitsThatDependOnK) {
    const auto wrong = scaled([](auto& c) { return 1 + 1e-6 * double(c.arg[gdn::arg::state_out].ne[1]); });
    caught("check=slots S=16 T=4 K=3 gates=weak path=exact", wrong, "bits differ");
}
TEST(Relations, BitsThatDependOnTheBatch) {
    const auto wrong = scaled([](auto& c) { return 1 + 1e-6 * double(c.arg[gdn::arg::out].ne[3]); });
    caught("check=sequences S=16 T=2 B=3 gates=weak path=exact", wrong, "bits differ");
}
TEST(Relations, BitsThatDependOnThePoolRow) {
    const auto wrong = scaled([](auto& c) { return 1 + 1e-6 * double(c.arg[gdn::arg::state].ne[2]); });
    caught("check=pool S=16 T=2 B=3 gates=weak path=exact", wrong, "bits differ");
}
TEST(Relations, BitsThatDependOnTheRun) {
    int calls = 0;
    const auto wrong = scaled([calls](auto&) mutable { return 1 + 1e-6 * double(calls++ / 64); });
    caught("check=repeat S=16 T=4 gates=weak", wrong, "bits differ");
}
TEST(Relations, NanThatLeaks) {
    caught("check=nan S=16 H_k=2 gates=weak", then([](auto&, auto& a) {  // head 1 looks at head 0
        float* out = floats(a, gdn::arg::out);
        out[16] += 0 * out[0];
    }), "NaN where none belongs");
}
TEST(Relations, NanThatIsSwallowed) {
    caught("check=nan S=16 H_k=2 T=3 B=2 gates=weak", then([](auto& c, auto& a) {
        float* out = floats(a, gdn::arg::out);
        for (int64_t i = 0; i < c.arg[gdn::arg::out].elements(); ++i) out[i] = out[i] != out[i] ? 0 : out[i];
    }), "no NaN, expected some");
}
TEST(Relations, AccumulatedInDoubleButStoredInSingle) {
    EXPECT_EQ(run(plain, definition).result, Result::passed);
    caught("check=partition S=16 T=4 gates=weak path=exact", definition, "bits differ");
}
TEST(Relations, StateRoundedAtTheEndOfTheCall) {
    const auto wrong = then([](auto& c, auto& a) {
        float* s = floats(a, gdn::arg::state_out);
        for (int64_t i = 0; i < c.arg[gdn::arg::state_out].elements(); ++i) {
            uint32_t bits;
            std::memcpy(&bits, s + i, 4);
            if ((bits & 0x7fc00000u) != 0x7fc00000u) bits &= ~0xffu;
            std::memcpy(s + i, &bits, 4);
        }
    });
    EXPECT_EQ(run(plain, wrong).result, Result::passed);
    caught("check=partition S=16 T=4 gates=weak path=exact", wrong, "bits differ");
}
TEST(Relations, AStaleSlotInTheChain) {
    caught("check=chain S=16 H_k=1 T=3 K=3 gates=weak path=exact", misread([](auto& c, auto& a) {
        if (!a[gdn::arg::in_slot]) return;  // single steps are right; in_slot is read as the last slot always
        *reinterpret_cast<int32_t*>(a[gdn::arg::in_slot]) = int32_t(c.arg[gdn::arg::state].ne[1] - 1);
    }));
}
TEST(Relations, ClosedForms) {
    const auto wrong = misread([](auto& c, auto& a) {  // forgets to decay the state before the delta: gate as if 0
        std::fill_n(floats(a, gdn::arg::g), c.arg[gdn::arg::g].elements(), 0.0f);
    });
    caught("check=decay S=16 T=4 gates=strong", wrong);
    caught("check=geometric S=16 T=9", wrong);
    caught("check=single S=16 gates=strong", wrong);
    const auto no_delta = misread([](auto& c, auto& a) {
        std::fill_n(floats(a, gdn::arg::beta), c.arg[gdn::arg::beta].elements(), 0.5f);
    });
    caught("check=same_key S=16 T=4", no_delta);
    caught("check=one_hot S=16 T=4", no_delta);
    caught("check=outer_sum S=16 T=4", no_delta);
}

constexpr char ring_case[] = " S=16 H_k=1 H_v=1 T=4 W=4 n_base=2 gates=weak path=exact";

void ring_caught(const std::string& line, Kernel kernel) {
    EXPECT_EQ(run("GATED_DELTA_NET_RING", line, honest).result, Result::passed) << line;
    EXPECT_EQ(run("GATED_DELTA_NET_RING", line, std::move(kernel)).result, Result::failed) << line;
}

TEST(Ring, RowsOfTheLastTokenAreLost) {
    const auto wrong = then([](auto& c, auto& a) {
        const int32_t pos = *reinterpret_cast<int32_t*>(a[ring::arg::pos]);
        const int64_t R = c.arg[ring::arg::ring_d].ne[2], S = c.arg[ring::arg::ring_d].ne[0], T = c.arg[ring::arg::v].ne[2];
        std::fill_n(floats(a, ring::arg::ring_d) + (pos + T - 1) % R * S, S, 0.0f);
    });
    for (const char* check : {"grouping", "rollback", "edge"}) ring_caught(std::string("check=") + check + ring_case, wrong);
    ring_caught("S=16 H_k=1 T=3 W=4 pos=2 gates=weak", wrong);
}
TEST(Ring, TheBaseIsWrittenLate) {  // only by calls that start the next block
    const auto wrong = [](const ops::Call& c, const Args& a) {
        const int64_t D = c.arg[ring::arg::base].ne[0];
        std::vector<float> before(floats(a, ring::arg::base), floats(a, ring::arg::base) + 2 * D);
        const uint32_t fault = honest(c, a);
        const int32_t pos = *reinterpret_cast<int32_t*>(a[ring::arg::pos]);
        if ((pos + c.arg[ring::arg::v].ne[2]) % 4 == 0)
            std::copy(before.begin(), before.end(), floats(a, ring::arg::base));
        return fault;
    };
    for (const char* check : {"grouping", "rollback", "edge"}) ring_caught(std::string("check=") + check + ring_case, wrong);
}

TEST(Trust, WhatCouldNotFailIsReported) {
    EXPECT_EQ(run("S=16 T=2 state=zero betas=zero", honest).result, Result::mistrusted);
    EXPECT_EQ(run("S=16 T=2 state=zero betas=zero expect=zero", honest).result, Result::passed);
    EXPECT_EQ(run("S=16 B=2 seq=-1,-1", honest).result, Result::mistrusted);
    EXPECT_EQ(run("S=16 B=2 seq=-1,-1 expect=untouched", honest).result, Result::passed);
    EXPECT_EQ(run("check=serial S=16 B=2 seq=-1,-1", honest).result, Result::mistrusted);
}
TEST(Trust, OneOutputIsEnough) {
    constexpr char half[] = "S=16 T=1 state=zero gates=zero betas=zero W=4 pos=0";
    const std::string ring = "GATED_DELTA_NET_RING";
    const Finding f = run(ring, half, honest);  // ring_k alone would tell
    EXPECT_EQ(f.result, Result::mistrusted);
    ASSERT_FALSE(f.notes.empty());
    EXPECT_NE(f.notes[0].find("is zero"), std::string::npos) << f.notes[0];
    EXPECT_EQ(run(ring, std::string(half) + " expect=zero", honest).result, Result::passed);
    EXPECT_EQ(run(ring, std::string(half) + " expect=zero:out,ring_d,ring_g", honest).result, Result::passed);
    EXPECT_EQ(run(ring, std::string(half) + " expect=zero:out", honest).result, Result::mistrusted);
    EXPECT_EQ(run(ring, std::string(half) + " expect=nan", honest).result, Result::mistrusted);
    EXPECT_EQ(run(ring, "S=16 T=1 gates=weak W=4 pos=1", honest).result, Result::passed);  // base stays as it is
}

/// Has room for so many buffers.
class FullDevice : public FakeDevice {
public:
    FullDevice(int room) : FakeDevice("full"), room_(room) {}
    std::shared_ptr<core::Buffer> allocate(uint64_t bytes) override {
        if (--room_ < 0) throw Error(Status::out_of_memory, "full");
        return FakeDevice::allocate(bytes);
    }

private:
    int room_;
};

TEST(Memory, OnlyTheCasesOwnBuffersMayNotFit) {
    const auto result = [](int room, Kernel kernel) {
        const auto device = std::make_shared<FullDevice>(room);
        device->add("fake:one", std::move(kernel));
        return CaseRun(ops::find("GATED_DELTA_NET"), plain, 7).on(device).at(0).result;
    };
    EXPECT_EQ(result(1000, honest), Result::passed);
    EXPECT_EQ(result(3, honest), Result::skipped);
    EXPECT_EQ(result(1000, [](auto&, auto&) -> uint32_t { throw Error(Status::out_of_memory, "no scratch"); }), Result::failed);
    EXPECT_EQ(result(1000, [](auto&, auto&) -> uint32_t { throw std::bad_alloc(); }), Result::failed);
}

TEST(Walk, EveryImplementationThatTakesTheCaseRuns) {
    const auto device = std::make_shared<FakeDevice>("fake");
    device->add("fake:good", honest);
    device->add("fake:picky", honest, "does not feel like it");
    device->add("fake:bad", [](auto&, auto&) { return 0u; });
    const auto found = CaseRun(ops::find("GATED_DELTA_NET"), plain, 1).on(device);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].implementation, "fake:good");
    EXPECT_EQ(found[0].result, Result::passed);
    EXPECT_EQ(found[1].implementation, "fake:bad");
    EXPECT_EQ(found[1].result, Result::failed);
}

TEST(Walk, AValidCaseThatNobodyTakesIsAFailure) {
    const auto device = std::make_shared<FakeDevice>("fake");
    EXPECT_EQ(CaseRun(ops::find("GATED_DELTA_NET"), plain, 1).on(device).at(0).result, Result::skipped);
    device->add("fake:picky", honest, "does not feel like it");
    const auto found = CaseRun(ops::find("GATED_DELTA_NET"), plain, 1).on(device);
    EXPECT_EQ(found.at(0).result, Result::failed);
    EXPECT_NE(found[0].notes.at(0).find("does not feel like it"), std::string::npos);
}

std::string printed(Options o, int& status) {
    std::ostringstream out;
    o.out = &out;
    status = run_ops_test(o);
    return out.str();
}

std::string last(const Options& o, int& status) {
    std::string text = printed(o, status);
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

TEST(Program, LastLineAndStatus) {
    Options o;
    o.op = "gated_delta_net", o.backend = "cpu", o.impl = "cpu:plain", o.one = "S=16 T={1,2}";
    int status = -1;
    EXPECT_EQ(last(o, status), "2 passed, 0 failed");
    EXPECT_EQ(status, 0);
    o.one = "S=16 T=2 state=zero betas=zero";
    EXPECT_EQ(last(o, status), "0 passed, 0 failed, 1 mistrusted");
    EXPECT_EQ(status, 1);
    o.one = "S=16 nonsense=1";
    EXPECT_EQ(last(o, status), "0 passed, 1 failed");
    EXPECT_EQ(status, 1);
    o.one = "S=16 T={1,100000000000}";  // no machine holds the second
    EXPECT_EQ(last(o, status), "1 passed, 1 failed");
    EXPECT_EQ(status, 1);
}

TEST(Program, NothingRunIsNoPass) {
    Options good;
    good.op = "gated_delta_net", good.backend = "cpu", good.impl = "cpu:plain", good.one = "S=16";
    int status = -1;
    EXPECT_EQ(last(good, status), "1 passed, 0 failed");
    for (const auto member : {&Options::op, &Options::backend, &Options::impl, &Options::check}) {
        Options o = good;
        o.*member = "nonesuch";
        EXPECT_EQ(last(o, status), "0 passed, 0 failed");
        EXPECT_EQ(status, 2);
    }
    Options o = good;
    o.backend = "cpu:9";
    EXPECT_EQ(last(o, status), "0 passed, 0 failed");
    EXPECT_EQ(status, 2);
    o = good, o.check = "serial";  // there is such a check, but no such case
    EXPECT_EQ(last(o, status), "0 passed, 0 failed");
    EXPECT_EQ(status, 77);
}

TEST(Program, ReplayLinesHaveNoEmptyWords) {
    Options o;
    o.op = "gated_delta_net", o.backend = "cpu", o.one = "S=16 nonsense=1";
    int status = -1;
    EXPECT_NE(printed(o, status).find("replay: rewind ops test --op GATED_DELTA_NET --seed 1 --case"), std::string::npos);
}

}  // namespace
}  // namespace rw::test
