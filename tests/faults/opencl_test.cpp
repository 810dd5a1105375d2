// The OpenCL driver runs out of memory in every call that makes something, and loses the device in those that run it.
// No driver does so on demand: the functions below stand before the loader's.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/plan.h"
#include "core/sample.h"
#include "tests/support/faults.h"

using rw::test::Watched;

#define WATCH(kind, result, name, parameters, arguments)                    \
    extern "C" cl_int CL_API_CALL name parameters {                         \
        static const auto forward = rw::test::real<decltype(&name)>(#name);  \
        return rw::test::strike(Watched::kind) ? result : forward arguments; \
    }
#define MAKES(type, fault, name, parameters, arguments)                     \
    extern "C" type CL_API_CALL name parameters {                           \
        static const auto forward = rw::test::real<decltype(&name)>(#name);  \
        if (!rw::test::strike(Watched::making)) return forward arguments;   \
        if (status) *status = fault;                                        \
        return nullptr;                                                     \
    }

MAKES(cl_mem, CL_MEM_OBJECT_ALLOCATION_FAILURE, clCreateBuffer,
      (cl_context c, cl_mem_flags f, size_t n, void* p, cl_int* status), (c, f, n, p, status))
MAKES(cl_mem, CL_OUT_OF_HOST_MEMORY, clCreateSubBuffer,
      (cl_mem m, cl_mem_flags f, cl_buffer_create_type t, const void* i, cl_int* status), (m, f, t, i, status))
MAKES(cl_kernel, CL_OUT_OF_HOST_MEMORY, clCreateKernel, (cl_program p, const char* n, cl_int* status), (p, n, status))
WATCH(making, CL_OUT_OF_RESOURCES, clEnqueueMigrateMemObjects,
      (cl_command_queue q, cl_uint n, const cl_mem* m, cl_mem_migration_flags f, cl_uint w, const cl_event* e, cl_event* made),
      (q, n, m, f, w, e, made))
WATCH(running, CL_DEVICE_NOT_AVAILABLE, clEnqueueWriteBuffer,
      (cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, const void* p, cl_uint w, const cl_event* e, cl_event* made),
      (q, m, b, at, n, p, w, e, made))
WATCH(running, CL_INVALID_COMMAND_QUEUE, clEnqueueReadBuffer,
      (cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, void* p, cl_uint w, const cl_event* e, cl_event* made),
      (q, m, b, at, n, p, w, e, made))
WATCH(running, CL_DEVICE_NOT_AVAILABLE, clEnqueueNDRangeKernel,
      (cl_command_queue q, cl_kernel k, cl_uint d, const size_t* o, const size_t* g, const size_t* l, cl_uint w,
       const cl_event* e, cl_event* made),
      (q, k, d, o, g, l, w, e, made))
WATCH(running, CL_DEVICE_NOT_AVAILABLE, clFlush, (cl_command_queue q), (q))

namespace rw::test {
namespace {

class OpenclFaults : public ::testing::Test {
protected:
    void SetUp() override {
        setenv("REWIND_SELFTEST", "0", 1);
        try {
            core::open("opencl");
        } catch (const Error& e) {
            GTEST_SKIP() << e.what();
        }
    }
    void TearDown() override { disarm(); }
};

TEST_F(OpenclFaults, RunningOutOfMemoryIsSurvived) {
    EXPECT_GT(survives_running_out([] { return core::open("opencl"); }), 5);
}

/// Whichever call tells of the loss first, from then on all of them do: a read, and each call of a submit.
TEST_F(OpenclFaults, ALostDeviceStaysLost) {
    const auto reader = core::open("opencl");
    answers_lost(reader, [&] {
        char byte = 0;
        const auto buffer = reader->allocate(64);
        arm(Watched::running, 0);
        EXPECT_THROW(buffer->read(0, &byte, 1), Error);
        disarm();
    });
    for (int n = 0; n < 3; ++n) {
        const auto device = core::open("opencl");
        answers_lost(device, [&] {
            const ops::Op& op = ops::find("L2_NORM");
            const core::Sample sample(*device, op, op.example(ops::Dims("")), 1);
            core::Plan plan(device);
            plan.add(sample.call());
            plan.run();
            arm(Watched::running, n);
            EXPECT_THROW(plan.submit(), Error);
            EXPECT_EQ(struck(), 1);
            disarm();
        });
    }
}

}  // namespace
}  // namespace rw::test
