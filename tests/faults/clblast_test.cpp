// CLBlast fails, and OpenCL fails inside it: a status and words, and the plan goes on afterwards. The function below stands
// before the library's own; those of opencl_test.cpp stand before the loader's for CLBlast too.
#define CL_TARGET_OPENCL_VERSION 120
#include <clblast_c.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/plan.h"
#include "core/sample.h"
#include "rewind/ops/mul_mat.h"
#include "tests/support/faults.h"

namespace {
int answer = CLBlastSuccess;  // of the product that is asked for after `good` others
int good = 0;
}  // namespace

extern "C" CLBlastStatusCode CLBlastSgemmWithTempBuffer(
    const CLBlastLayout layout, const CLBlastTranspose ta, const CLBlastTranspose tb, const size_t m, const size_t n,
    const size_t k, const float alpha, const cl_mem a, const size_t a_at, const size_t a_ld, const cl_mem b, const size_t b_at,
    const size_t b_ld, const float beta, cl_mem c, const size_t c_at, const size_t c_ld, cl_command_queue* queue,
    cl_event* event, cl_mem temp) {
    static const auto forward = rw::test::real<decltype(&CLBlastSgemmWithTempBuffer)>("CLBlastSgemmWithTempBuffer");
    if (answer != CLBlastSuccess && good-- == 0) return CLBlastStatusCode(answer);
    return forward(layout, ta, tb, m, n, k, alpha, a, a_at, a_ld, b, b_at, b_ld, beta, c, c_at, c_ld, queue, event, temp);
}

namespace rw::test {
namespace {

namespace arg = ops::mul_mat::arg;

class ClblastFaults : public ::testing::Test {
protected:
    void SetUp() override {
        setenv("REWIND_SELFTEST", "0", 1);
        try {
            want = out(*core::open("opencl"));
        } catch (const Error& e) {
            GTEST_SKIP() << e.what();
        }
    }
    void TearDown() override { disarm(), answer = CLBlastSuccess; }

    core::Sample sample(core::Device& device) {
        const ops::Op& op = ops::find("MUL_MAT");
        return {device, op, op.example(ops::Dims("K=96 N=40 R=64 type=q8_0 add=apart path=prefill")), 7};
    }
    std::vector<double> out(core::Device& device) {
        const core::Sample it = sample(device);
        core::Plan plan(device.shared_from_this());
        plan.add(it.call(), "opencl:clblast"), plan.run();
        return it.read(arg::out);
    }
    std::vector<double> want;
};

TEST_F(ClblastFaults, WhatTheLibraryAnswersIsAStatusWithWords) {
    const auto device = core::open("opencl");
    const core::Sample it = sample(*device);
    for (const auto& [code, status] : {std::pair{CLBlastUnexpectedError, Status::internal},
                                       std::pair{CLBlastInvalidLocalMemUsage, Status::internal},
                                       std::pair{CLBlastOpenCLBuildProgramFailure, Status::internal},
                                       std::pair{CLBlastTempBufferAllocFailure, Status::out_of_memory}})
        for (int n = 0; n < 3; ++n) {  // while it is tried for the first time, and in each product of a call
            core::Plan plan(device);
            plan.add(it.call(), "opencl:clblast");
            answer = code, good = n;
            try {
                plan.run();
                ADD_FAILURE() << "answer " << int(code) << " after " << n << " was not told";
            } catch (const Error& e) {
                EXPECT_EQ(name_of(e.status), std::string(name_of(status))) << e.what();
                EXPECT_NE(std::string(e.what()).find("CLBlast"), std::string::npos) << e.what();
                EXPECT_NE(std::string(e.what()).find(std::to_string(int(code))), std::string::npos) << e.what();
            }
            answer = CLBlastSuccess;
            plan.run();
            EXPECT_EQ(it.read(arg::out), want);
        }
}

TEST_F(ClblastFaults, RunningOutOfMemoryIsSurvived) {
    int planted = 0;
    for (;; ++planted) {
        SCOPED_TRACE("call " + std::to_string(planted));
        const auto device = core::open("opencl");
        const core::Sample it = sample(*device);
        core::Plan plan(device);
        plan.add(it.call(), "opencl:clblast");
        arm(Watched::making, planted);
        bool failed = false;
        try {
            plan.submit();
        } catch (const Error& e) {
            failed = true;
            EXPECT_EQ(name_of(e.status), std::string(name_of(Status::out_of_memory))) << e.what();
        }
        disarm();
        EXPECT_EQ(failed, struck() > 0);
        if (!struck()) break;
        plan.run();
        EXPECT_EQ(it.read(arg::out), want);
        if (HasFailure()) break;
    }
    EXPECT_GT(planted, 5);
}

}  // namespace
}  // namespace rw::test
