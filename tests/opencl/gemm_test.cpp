// Products of matrices by CLBlast: when they are taken, that they are replayed, and what is left of them afterwards.
#include "opencl/gemm.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/log.h"
#include "core/messages.h"
#include "core/plan.h"
#include "core/sample.h"
#include "rewind/ops/mul_mat.h"
#include "rewind/rewind.h"

namespace rw::opencl {
namespace {

namespace arg = ops::mul_mat::arg;
constexpr char name[] = "opencl:clblast";

const ops::Op& op() { return ops::find("MUL_MAT"); }

class Products : public ::testing::Test {
protected:
    void SetUp() override {
        try {
            device = core::open("opencl");
        } catch (const Error& e) {
            GTEST_SKIP() << e.what();
        }
        cpu = device->info().facts.at("cpu");
    }
    core::Sample sample(const std::string& words) { return {*device, op(), op().example(ops::Dims(words)), 7}; }
    std::string refusal(const ops::Call& call) {
        const core::Walk walk = core::walk(*device, op(), call, name);
        for (const core::Walk::Line& line : walk.lines)
            if (line.implementation == name) return line.reason;
        return "not reached";
    }
    std::vector<double> run(const ops::Call& call, const core::Sample& of, const std::string& implementation) {
        core::Plan plan(device);
        plan.add(call, implementation);
        plan.run();
        return of.read(arg::out);
    }
    std::shared_ptr<core::Device> device;
    bool cpu = false;
};

#define NEEDS_CLBLAST() \
    if (!Gemm::missing().empty()) GTEST_SKIP() << Gemm::missing()

TEST_F(Products, ABuildWithoutTheLibrarySaysSo) {
    const core::Sample prompt = sample("R=64 path=prefill"), exact = sample("R=64");
    if (Gemm::missing().empty()) {
        EXPECT_EQ(refusal(prompt.call()), "");
        return;
    }
    EXPECT_EQ(refusal(prompt.call()), core::why::no_clblast);
    EXPECT_EQ(refusal(exact.call()), core::why::no_clblast);
    EXPECT_NE(core::walk(*device, op(), prompt.call()).chosen, nullptr) << "something else takes the call";
    core::Plan plan(device);
    EXPECT_THROW(plan.add(prompt.call(), name), Error);
}

TEST_F(Products, ArePromptsAlone) {
    NEEDS_CLBLAST();
    EXPECT_EQ(refusal(sample("R=64").call()), core::why::prefill_only);
    EXPECT_EQ(refusal(sample("R=47 path=prefill").call()), core::why::few_rows);
    EXPECT_EQ(refusal(sample("R=48 path=prefill").call()), "");
    const core::Sample overlapping = sample("K=64 R=48 path=prefill");
    ops::Call call = overlapping.call();
    call.arg[arg::x].nb[1] = 4;
    EXPECT_EQ(refusal(call), core::why::rows_overlap);
}

/// On a CPU the library's kernels take long to compile and are slower than ours; a GPU's choice they are.
TEST_F(Products, OnACpuTheyAreTakenByNameAlone) {
    NEEDS_CLBLAST();
    const core::Sample prompt = sample("R=64 path=prefill");
    std::vector<std::string> said;
    core::set_sink([&](std::string_view line) { said.emplace_back(line); });
    core::set_verbose("selftest");
    setenv("REWIND_SELFTEST", "force", 1);
    core::Plan plan(device);
    plan.add(prompt.call());
    EXPECT_EQ(plan.implementation(0) == name, !cpu);
    const auto tested = [&] {
        for (const std::string& line : said)
            if (line.find(name) != line.npos && line.find("passed") != line.npos) return true;
        return false;
    };
    EXPECT_EQ(tested(), !cpu) << "nobody waits for what is not used";
    plan.add(prompt.call(), name);
    EXPECT_EQ(plan.implementation(1), name);
    unsetenv("REWIND_SELFTEST"), core::set_verbose(""), core::set_sink(nullptr);
}

TEST_F(Products, TheSelfTestHasCallsForThem) {
    NEEDS_CLBLAST();
    int calls = 0;
    for (const char* const* text = op().selftest; *text; ++text) calls += refusal(sample(*text).call()).empty();
    EXPECT_GE(calls, 2);
}

TEST_F(Products, TooLargeOrBadlyAlignedIsDeclined) {
    NEEDS_CLBLAST();
    const core::Product large{70000, 40000, 64, false, {0, 64, 0}, {1, 64, 0}, {3, 40000, 0}};
    EXPECT_EQ(Gemm::declines(large, ops::Call{}), core::why::gemm_too_large);
    if (!cpu) return;  // others do not compute in host memory
    const core::Sample prompt = sample("K=64 N=8 R=64 path=prefill");
    alignas(64) static std::byte memory[64 * 64 * 4 + 64];
    ops::Call call = prompt.call();
    const auto aligned = device->wrap_host(memory, sizeof memory);
    call.arg[arg::x].buffer = aligned.get();
    EXPECT_EQ(refusal(call), "");
    const auto elsewhere = device->wrap_host(memory + 16, sizeof memory - 16);
    call.arg[arg::x].buffer = elsewhere.get();
    EXPECT_EQ(refusal(call), core::why::gemm_unaligned);
}

/// The fewer rows are the first ones of the same memory; the plan's own kernel and product take the change.
TEST_F(Products, AreReplayedAndChanged) {
    NEEDS_CLBLAST();
    for (const char* words : {"K=96 N=130 R=100 type=q8_0 add=apart path=prefill", "K=70 N=130 R=100 add=over path=prefill"}) {
        core::Sample it = sample(words);
        ops::Call fewer = it.call();
        for (const int a : {arg::x, arg::add, arg::out}) fewer.arg[size_t(a)].ne[1] = 60;
        core::Plan plan(device);
        plan.add(it.call(), name);
        const auto bits = [&](const ops::Call& call) {
            it.reset();
            plan.update(0, call), plan.run();
            return it.read(arg::out);
        };
        const std::vector<double> all = bits(it.call()), some = bits(fewer);
        EXPECT_EQ(bits(it.call()), all);
        EXPECT_EQ(bits(fewer), some);
        EXPECT_GE(plan.seconds(), 0);
        it.reset();
        const std::vector<double> ours = run(it.call(), it, "opencl:group");
        EXPECT_LT(core::nmse(all, ours), 1e-11);
        EXPECT_LT(core::nmse(std::span(some).first(60 * 130), std::span(ours).first(60 * 130)), 1e-11);
    }
}

/// 2^23 weights are expanded at once: 1024 rows, then six.
TEST_F(Products, LargeWeightsGoPieceByPiece) {
    NEEDS_CLBLAST();
    core::Sample it = sample("K=8192 N=1030 R=48 type=q8_0 add=over path=prefill");
    const std::vector<double> library = run(it.call(), it, name);
    it.reset();
    EXPECT_LT(core::nmse(library, run(it.call(), it, "opencl:group")), 1e-11);
}

TEST_F(Products, StepsOfOnePlanShareMemory) {
    NEEDS_CLBLAST();
    const core::Sample small = sample("K=64 N=40 R=48 type=f16 path=prefill"),
                       large = sample("K=640 N=200 R=64 type=q4_0 path=prefill");
    const std::vector<double> first = run(small.call(), small, name), second = run(large.call(), large, name);
    core::Plan plan(device);
    plan.add(small.call(), name), plan.add(large.call(), name), plan.add(small.call(), name);
    for (int turn = 0; turn < 3; ++turn) plan.run();
    EXPECT_EQ(small.read(arg::out), first);
    EXPECT_EQ(large.read(arg::out), second);
}

/// An engine's queue of either kind; its context is its own again when the last device that multiplied is gone.
TEST_F(Products, AnEnginesContextIsItsOwnAfterwards) {
    NEEDS_CLBLAST();
    const core::Sample here = sample("K=96 N=40 R=64 type=q8_0 add=apart path=prefill");
    const std::vector<double> want = run(here.call(), here, name);
    device.reset();  // nothing of ours multiplies any more

    cl_platform_id platform = nullptr;
    cl_device_id id = nullptr;
    ASSERT_EQ(clGetPlatformIDs(1, &platform, nullptr), CL_SUCCESS);
    ASSERT_EQ(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, nullptr), CL_SUCCESS);
    const ContextHandle context(clCreateContext(nullptr, 1, &id, nullptr, nullptr, nullptr));
    for (const cl_command_queue_properties kind : {0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE}) {
        const QueueHandle queue(clCreateCommandQueue(context.get(), id, kind, nullptr));
        if (!queue) continue;
        const rw_opencl_handles handles{sizeof handles, context.get(), id, queue.get()};
        for (const auto& backend : core::backends())
            if (backend->name() == std::string("opencl")) device = backend->wrap(&handles);
        core::Sample it = sample("K=96 N=40 R=64 type=q8_0 add=apart path=prefill");
        for (int turn = 0; turn < 5; ++turn) {
            it.reset();
            EXPECT_EQ(run(it.call(), it, name), want);
        }
        device.reset();
    }
    cl_uint references = 0;
    for (int turn = 0; turn < 2000 && references != 1; ++turn) {  // finished commands may hold it a little longer
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        clGetContextInfo(context.get(), CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, nullptr);
    }
    EXPECT_EQ(references, 1u);
}

}  // namespace
}  // namespace rw::opencl
