// An engine with an OpenCL context of its own, through the public interface: its device, queues of both kinds and buffers
// are used in place, and are as before afterwards. Skipped where there is no OpenCL device.
#include <gtest/gtest.h>

#include <CL/cl.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "rewind/rewind.hpp"

namespace rw {
namespace {

class Engine : public ::testing::Test {
protected:
    void SetUp() override {
        cl_platform_id platform = nullptr;
        if (clGetPlatformIDs(1, &platform, nullptr) != CL_SUCCESS ||
            clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, nullptr) != CL_SUCCESS)
            GTEST_SKIP() << "no OpenCL device";
        cl = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
        queue = clCreateCommandQueue(cl, device, 0, nullptr);
        ASSERT_TRUE(cl && queue);
        handles.context = cl, handles.device = device, handles.queue = queue;
    }
    void TearDown() override {
        if (queue) {
            EXPECT_EQ(references_left(queue, 1), 1u);
            clReleaseCommandQueue(queue);
        }
        if (cl) {
            EXPECT_EQ(references_left(cl, 1), 1u);
            clReleaseContext(cl);
        }
    }
    static cl_uint references(cl_command_queue q) {
        cl_uint n = 0;
        clGetCommandQueueInfo(q, CL_QUEUE_REFERENCE_COUNT, sizeof n, &n, nullptr);
        return n;
    }
    static cl_uint references(cl_context c) {
        cl_uint n = 0;
        clGetContextInfo(c, CL_CONTEXT_REFERENCE_COUNT, sizeof n, &n, nullptr);
        return n;
    }
    static cl_uint references(cl_mem m) {
        cl_uint n = 0;
        clGetMemObjectInfo(m, CL_MEM_REFERENCE_COUNT, sizeof n, &n, nullptr);
        return n;
    }
    /// The references once they are down to `expected`, or after two seconds: a finished command may hold its own a little
    /// longer than the blocking call that waited for it.
    template <class Handle>
    static cl_uint references_left(Handle handle, cl_uint expected) {
        for (int turn = 0; turn < 2000 && references(handle) != expected; ++turn)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return references(handle);
    }
    /// Normalises the row (3, 4) that begins at byte `at` of an engine's buffer, and reads it as the engine would.
    void normalise(Device& wrapped, cl_mem memory, size_t at, cl_command_queue reader) {
        const float row[] = {3, 4};
        ASSERT_EQ(clEnqueueWriteBuffer(reader, memory, CL_TRUE, at, sizeof row, row, 0, nullptr, nullptr), CL_SUCCESS);
        Buffer mine = wrap(wrapped, memory, at, 512);
        Plan plan = wrapped.plan();
        plan.add("L2_NORM", {arg("x", Type::f32, {2}, mine), arg("out", Type::f32, {2}, mine, 256)});
        plan.run();
        float out[2] = {};
        ASSERT_EQ(clEnqueueReadBuffer(reader, memory, CL_TRUE, at + 256, sizeof out, out, 0, nullptr, nullptr), CL_SUCCESS);
        EXPECT_NEAR(out[0], .6f, 1e-6);
        EXPECT_NEAR(out[1], .8f, 1e-6);
    }
    static Buffer wrap(Device& wrapped, cl_mem memory, uint64_t offset, uint64_t bytes) {
        rw_buffer* made = nullptr;
        check(rw_buffer_wrap_native(wrapped.handle(), uint64_t(uintptr_t(memory)), offset, bytes, &made));
        return Buffer(made);
    }
    Device wrap(rw_opencl_handles h) {
        h.size = sizeof h;
        rw_device* made = nullptr;
        check(rw_device_wrap_opencl(context.handle(), &h, &made));
        return Device(made);
    }
    void refused(const rw_opencl_handles& h) {
        try {
            wrap(h);
            ADD_FAILURE() << "accepted";
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::invalid_argument) << e.what();
        }
    }
    Context context;
    cl_device_id device = nullptr;
    cl_context cl = nullptr;
    cl_command_queue queue = nullptr;
    rw_opencl_handles handles{};
};

TEST_F(Engine, RunsOnItsOwnQueueAndBuffers) {
    cl_mem memory = clCreateBuffer(cl, CL_MEM_READ_WRITE, 2048, nullptr, nullptr);
    {
        Device wrapped = wrap(handles);
        EXPECT_STREQ(wrapped.info().id, "opencl:wrapped");
        normalise(wrapped, memory, 0, queue);
        normalise(wrapped, memory, 1024 + 16, queue);
    }
    EXPECT_EQ(references_left(memory, 1), 1u);
    clReleaseMemObject(memory);
}

TEST_F(Engine, AQueueMayBeOutOfOrder) {
    cl_int status = CL_SUCCESS;
    cl_command_queue loose = clCreateCommandQueue(cl, device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &status);
    if (status != CL_SUCCESS) GTEST_SKIP() << "no such queues here";
    cl_mem memory = clCreateBuffer(cl, CL_MEM_READ_WRITE, 1024, nullptr, nullptr);
    {
        rw_opencl_handles h = handles;
        h.queue = loose;
        Device wrapped = wrap(h);
        for (int i = 0; i < 20; ++i) normalise(wrapped, memory, 0, queue);
    }
    EXPECT_EQ(references_left(loose, 1), 1u);
    clReleaseMemObject(memory), clReleaseCommandQueue(loose);
}

TEST_F(Engine, BuffersOutliveTheWrappedDevice) {
    cl_mem memory = clCreateBuffer(cl, CL_MEM_READ_WRITE, 512, nullptr, nullptr);
    {
        auto wrapped = std::make_unique<Device>(wrap(handles));
        Buffer mine = wrap(*wrapped, memory, 0, 512);
        wrapped.reset();
        mine.write(std::vector<float>{1, 2});
        EXPECT_EQ(mine.read<float>(2), (std::vector<float>{1, 2}));
        EXPECT_EQ(references_left(memory, 2), 2u);
    }
    EXPECT_EQ(references_left(memory, 1), 1u);
    clReleaseMemObject(memory);
}

TEST_F(Engine, BadHandlesAreRefused) {
    for (void* rw_opencl_handles::* field :
         {&rw_opencl_handles::context, &rw_opencl_handles::device, &rw_opencl_handles::queue}) {
        rw_opencl_handles h = handles;
        h.*field = nullptr;
        refused(h);
    }
    cl_context other = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
    rw_opencl_handles h = handles;
    h.context = other;
    refused(h);
    clReleaseContext(other);
}

TEST_F(Engine, BadBuffersAreRefused) {
    Device wrapped = wrap(handles);
    cl_mem memory = clCreateBuffer(cl, CL_MEM_READ_WRITE, 1024, nullptr, nullptr);
    cl_context other = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
    cl_mem foreign = clCreateBuffer(other, CL_MEM_READ_WRITE, 1024, nullptr, nullptr);
    const std::tuple<cl_mem, uint64_t, uint64_t> bad[] = {{nullptr, 0, 64},   {foreign, 0, 64},   {memory, 0, 0},
                                                          {memory, 0, 1025},  {memory, 1024, 64}, {memory, ~0ull - 15, 64},
                                                          {memory, 8, 64}};
    for (const auto& [of, offset, bytes] : bad) try {
            wrap(wrapped, of, offset, bytes);
            ADD_FAILURE() << offset << " " << bytes;
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::invalid_argument) << e.what();
        }
    clReleaseMemObject(foreign), clReleaseContext(other), clReleaseMemObject(memory);
}

TEST_F(Engine, WrappedTwiceOrInPartsIsStillOneMemory) {
    Device wrapped = wrap(handles);
    cl_mem memory = clCreateBuffer(cl, CL_MEM_READ_WRITE, 8192, nullptr, nullptr);
    const cl_buffer_region region{4096, 4096};
    cl_mem part = clCreateSubBuffer(memory, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, nullptr);
    ASSERT_TRUE(part);
    {
        Buffer whole = wrap(wrapped, memory, 0, 8192), again = wrap(wrapped, memory, 16, 4096), half = wrap(wrapped, part, 0, 4096);
        Plan plan = wrapped.plan();
        const auto add = [&](const Buffer& x, uint64_t at, const Buffer& out) {
            plan.add("L2_NORM", {arg("x", Type::f32, {8}, x, at), arg("out", Type::f32, {8}, out)});
        };
        EXPECT_THROW(add(whole, 16, again), Error);
        EXPECT_THROW(add(whole, 4096 + 16, half), Error);
        EXPECT_NO_THROW(add(whole, 4096 - 32, half));
        EXPECT_NO_THROW(plan.run());
    }
    clReleaseMemObject(part), clReleaseMemObject(memory);
}

TEST_F(Engine, RunningOutOfMemoryLeavesItUsable) {
    Device wrapped = wrap(handles);
    for (const uint64_t bytes : {uint64_t(1) << 60, wrapped.info().max_allocation + 1}) try {
            wrapped.allocate(bytes);
            ADD_FAILURE() << bytes;
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::out_of_memory) << e.what();
        }
    cl_mem memory = clCreateBuffer(cl, CL_MEM_READ_WRITE, 512, nullptr, nullptr);
    normalise(wrapped, memory, 0, queue);
    clReleaseMemObject(memory);
}

}  // namespace
}  // namespace rw
