// The C interface on every device present: what each function takes, refuses, keeps and gives back.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rewind/rewind.hpp"

namespace {

constexpr int64_t width = 32, rows = 4;

rw_arg arg(const char* name, rw_buffer* buffer, int64_t n = rows, uint64_t offset = 0) {
    return {name, {sizeof(rw_tensor), RW_TYPE_F32, {width, n, 1, 1}, {0, 0, 0, 0}, buffer, offset}};
}

rw_call call_of(const std::vector<rw_arg>& args, const char* implementation = nullptr) {
    return {sizeof(rw_call), "L2_NORM", args.data(), args.size(), nullptr, 0, implementation};
}

/// A failed call: this status, and a message with the words.
void refused(rw_status status, rw_status want, const std::string& words) {
    EXPECT_EQ(status, want) << rw_message();
    EXPECT_NE(std::string(rw_message()).find(words), std::string::npos) << "no '" << words << "' in: " << rw_message();
}

#define OK(call) ASSERT_EQ((call), RW_OK) << rw_message()

/// One device with an L2_NORM plan on it: rows of ones in `x`, minus ones in `out`.
struct Bench {
    rw_device* device = nullptr;
    rw_buffer *x = nullptr, *out = nullptr;
    rw_plan* plan = nullptr;

    Bench(rw_context* context, const std::string& id) { make(context, id.c_str()); }
    ~Bench() { rw_plan_destroy(plan), rw_buffer_destroy(x), rw_buffer_destroy(out), rw_device_close(device); }
    void make(rw_context* context, const char* id) {
        OK(rw_device_open(context, id, &device));
        OK(rw_plan_create(device, &plan));
        OK(rw_buffer_create(device, bytes, &x));
        OK(rw_buffer_create(device, bytes, &out));
        const std::vector<float> ones(width * rows, 1), minus(width * rows, -1);
        OK(rw_buffer_write(x, 0, ones.data(), bytes));
        OK(rw_buffer_write(out, 0, minus.data(), bytes));
    }
    rw_status add(const char* implementation = nullptr, size_t* step = nullptr) {
        const std::vector<rw_arg> args{arg("x", x), arg("out", out)};
        const rw_call call = call_of(args, implementation);
        return rw_plan_add(plan, &call, step);
    }
    rw_status run() {
        const rw_status s = rw_plan_submit(plan);
        return s ? s : rw_plan_wait(plan);
    }
    std::vector<float> read() {
        std::vector<float> values(width * rows);
        EXPECT_EQ(rw_buffer_read(out, 0, values.data(), bytes), RW_OK) << rw_message();
        return values;
    }
    std::string explain(const char* implementation = nullptr) {
        const std::vector<rw_arg> args{arg("x", x), arg("out", out)};
        const rw_call call = call_of(args, implementation);
        char text[4096];
        EXPECT_EQ(rw_explain(device, &call, text, sizeof text, nullptr), RW_OK) << rw_message();
        return text;
    }
    static constexpr uint64_t bytes = width * rows * sizeof(float);
};

class Api : public ::testing::Test {
protected:
    void SetUp() override {
        OK(rw_context_create(&context));
        size_t n = 0;
        OK(rw_devices(context, nullptr, &n));
        infos.resize(n);
        infos[0].size = sizeof(rw_device_info);
        OK(rw_devices(context, infos.data(), &n));
    }
    void TearDown() override { rw_context_destroy(context); }
    template <class F>
    void on_every_device(F f) {
        for (const rw_device_info& info : infos) {
            SCOPED_TRACE(info.id);
            Bench bench(context, info.id);
            if (!HasFatalFailure()) f(bench);
        }
    }
    rw_context* context = nullptr;
    std::vector<rw_device_info> infos;
};

TEST_F(Api, SaysWhatItIs) {
    EXPECT_EQ(std::string(rw_version()).find("0."), 0u);
    EXPECT_STREQ(rw_status_name(RW_DEVICE_LOST), "device lost");
    EXPECT_STREQ(rw_status_name(rw_status(77)), "unknown status");
    ASSERT_GT(rw_op_count(), 0u);
    EXPECT_STREQ(rw_op_name(0), "GATED_DELTA_NET");
    EXPECT_EQ(rw_op_name(rw_op_count()), nullptr);
}

TEST_F(Api, NullIsRefusedByName) {
    rw_device* device = nullptr;
    rw_buffer* buffer = nullptr;
    rw_plan* plan = nullptr;
    char word[4] = {};
    Bench bench(context, "cpu");
    const rw_call call{sizeof call, "L2_NORM", nullptr, 0, nullptr, 0, nullptr};
    refused(rw_context_create(nullptr), RW_INVALID_ARGUMENT, "context");
    refused(rw_context_log(nullptr, "", nullptr, nullptr), RW_INVALID_ARGUMENT, "context");
    refused(rw_context_log(context, "dispatch,sefltest", nullptr, nullptr), RW_INVALID_ARGUMENT, "no topic 'sefltest'");
    refused(rw_devices(context, nullptr, nullptr), RW_INVALID_ARGUMENT, "count");
    refused(rw_device_open(nullptr, "cpu", &device), RW_INVALID_ARGUMENT, "context");
    refused(rw_device_open(context, nullptr, &device), RW_INVALID_ARGUMENT, "id");
    refused(rw_device_open(context, "cpu", nullptr), RW_INVALID_ARGUMENT, "device");
    refused(rw_device_get_info(bench.device, nullptr), RW_INVALID_ARGUMENT, "info");
    refused(rw_device_wrap_vulkan(context, nullptr, &device), RW_INVALID_ARGUMENT, "handles");
    refused(rw_device_wrap_opencl(context, nullptr, &device), RW_INVALID_ARGUMENT, "handles");
    refused(rw_buffer_create(nullptr, 4, &buffer), RW_INVALID_ARGUMENT, "device");
    refused(rw_buffer_create(bench.device, 4, nullptr), RW_INVALID_ARGUMENT, "buffer");
    refused(rw_buffer_wrap_host(bench.device, nullptr, 4, &buffer), RW_INVALID_ARGUMENT, "memory");
    refused(rw_buffer_write(nullptr, 0, word, 4), RW_INVALID_ARGUMENT, "buffer");
    refused(rw_buffer_write(bench.x, 0, nullptr, 4), RW_INVALID_ARGUMENT, "source");
    refused(rw_buffer_read(bench.x, 0, nullptr, 4), RW_INVALID_ARGUMENT, "target");
    refused(rw_plan_create(nullptr, &plan), RW_INVALID_ARGUMENT, "device");
    refused(rw_plan_add(nullptr, &call, nullptr), RW_INVALID_ARGUMENT, "plan");
    refused(rw_plan_add(bench.plan, nullptr, nullptr), RW_INVALID_ARGUMENT, "call");
    refused(rw_plan_update(nullptr, 0, &call), RW_INVALID_ARGUMENT, "plan");
    refused(rw_plan_submit(nullptr), RW_INVALID_ARGUMENT, "plan");
    refused(rw_plan_wait(nullptr), RW_INVALID_ARGUMENT, "plan");
    refused(rw_explain(bench.device, nullptr, nullptr, 0, nullptr), RW_INVALID_ARGUMENT, "call");
    refused(rw_explain(bench.device, &call, nullptr, 8, nullptr), RW_INVALID_ARGUMENT, "text");
    EXPECT_EQ(rw_plan_implementation(nullptr, 0), nullptr);
    EXPECT_EQ(rw_plan_seconds(nullptr), 0);
    EXPECT_EQ(device, nullptr);
    rw_context_destroy(nullptr), rw_device_close(nullptr), rw_buffer_destroy(nullptr), rw_plan_destroy(nullptr);
}

TEST_F(Api, StructsOfAnotherSizeAreRefused) {
    Bench bench(context, "cpu");
    rw_device_info info{};
    refused(rw_device_get_info(bench.device, &info), RW_INVALID_ARGUMENT, "size is 0");
    info.size = sizeof info + 8;
    refused(rw_device_get_info(bench.device, &info), RW_INVALID_ARGUMENT, "size is");
    std::vector<rw_arg> args{arg("x", bench.x), arg("out", bench.out)};
    rw_call call = call_of(args);
    call.size -= 8;
    refused(rw_plan_add(bench.plan, &call, nullptr), RW_INVALID_ARGUMENT, "call: size is");
    call.size += 8, args[1].tensor.size = 0;
    refused(rw_plan_add(bench.plan, &call, nullptr), RW_INVALID_ARGUMENT, "out: size is 0");
    rw_device* device = nullptr;
    const rw_vulkan_handles vulkan{};
    const rw_opencl_handles opencl{};
    refused(rw_device_wrap_vulkan(context, &vulkan, &device), RW_INVALID_ARGUMENT, "size is 0");
    refused(rw_device_wrap_opencl(context, &opencl, &device), RW_INVALID_ARGUMENT, "size is 0");
}

TEST_F(Api, BadCallsAreRefusedByName) {
    Bench bench(context, "cpu");
    const auto add = [&](std::vector<rw_arg> args, const char* op, rw_attr attr) {
        rw_call call = call_of(args);
        call.op = op, call.attrs = &attr, call.n_attrs = attr.name || attr.value ? 1 : 0;
        return rw_plan_add(bench.plan, &call, nullptr);
    };
    const std::vector<rw_arg> good{arg("x", bench.x), arg("out", bench.out)};
    refused(add(good, "L3_NORM", {}), RW_NOT_FOUND, "L3_NORM");
    refused(add(good, nullptr, {}), RW_INVALID_ARGUMENT, "call.op");
    refused(add({arg("y", bench.x), good[1]}, "L2_NORM", {}), RW_INVALID_ARGUMENT, "no argument 'y'");
    refused(add({arg(nullptr, bench.x)}, "L2_NORM", {}), RW_INVALID_ARGUMENT, "name");
    refused(add(good, "L2_NORM", {"epsilon", "1"}), RW_INVALID_ARGUMENT, "no attribute 'epsilon'");
    refused(add(good, "L2_NORM", {"eps", nullptr}), RW_INVALID_ARGUMENT, "value");
    for (const char* number : {"", " 1", "1 ", "0x10", "1,5", "one", "nan"})  // nan is a number, but no epsilon
        refused(add(good, "L2_NORM", {"eps", number}), RW_INVALID_ARGUMENT, "eps");
    EXPECT_EQ(add(good, "L2_NORM", {"eps", "1e-6"}), RW_OK) << rw_message();
    std::vector<rw_arg> strange = good;
    strange[0].tensor.type = rw_type(99);
    refused(add(strange, "L2_NORM", {}), RW_INVALID_ARGUMENT, "no such type");
    strange = good, strange[0].tensor.ne[3] = INT64_MAX;
    refused(add(strange, "L2_NORM", {}), RW_INVALID_ARGUMENT, "x: dimension of");
    rw_call call = call_of(good);
    call.args = nullptr;
    refused(rw_plan_add(bench.plan, &call, nullptr), RW_INVALID_ARGUMENT, "call.args");
}

TEST_F(Api, TypesHaveBlocks) {
    for (const rw::TypeInfo& t : rw::all_types) {
        EXPECT_EQ(rw_type_block(rw_type(int(t.type))), t.block) << t.name;
        EXPECT_EQ(rw_type_bytes(rw_type(int(t.type))), t.bytes) << t.name;
    }
    for (const int none : {-1, int(std::size(rw::all_types))}) {
        EXPECT_EQ(rw_type_block(rw_type(none)), 0u);
        EXPECT_EQ(rw_type_bytes(rw_type(none)), 0u);
    }
}

TEST_F(Api, DevicesFillAShortArray) {
    size_t n = 1;
    rw_device_info two[2] = {};
    two[0].size = sizeof(rw_device_info);
    std::memset(two[1].name, 'x', sizeof two[1].name);
    OK(rw_devices(context, two, &n));
    EXPECT_EQ(n, infos.size());
    EXPECT_STREQ(two[0].id, infos[0].id);
    EXPECT_EQ(two[1].name[0], 'x');
    n = 0;
    OK(rw_devices(context, two, &n));
    EXPECT_EQ(n, infos.size());
}

TEST_F(Api, RunsOnEveryDevice) {
    on_every_device([](Bench& b) {
        size_t step = 77;
        OK(b.add(nullptr, &step));
        EXPECT_EQ(step, 0u);
        OK(b.run());
        for (const float value : b.read()) EXPECT_NEAR(value, 1 / std::sqrt(float(width)), 1e-6f);
        EXPECT_GE(rw_plan_seconds(b.plan), 0);
        EXPECT_NE(rw_plan_implementation(b.plan, step), nullptr);
        EXPECT_EQ(rw_plan_implementation(b.plan, step + 1), nullptr);
    });
}

TEST_F(Api, AnUpdateReplacesWhatItNames) {
    on_every_device([](Bench& b) {
        OK(b.add());
        const std::vector<rw_arg> fewer{arg("x", b.x, 2), arg("out", b.out, 2)};
        rw_call call = call_of(fewer);
        OK(rw_plan_update(b.plan, 0, &call));
        OK(b.run());
        EXPECT_GT(b.read()[2 * width - 1], 0);
        EXPECT_EQ(b.read()[2 * width], -1);  // not part of the call any more
        refused(rw_plan_update(b.plan, 1, &call), RW_INVALID_ARGUMENT, "no step 1");
        call.op = "GATED_DELTA_NET", call.n_args = 0;
        refused(rw_plan_update(b.plan, 0, &call), RW_INVALID_ARGUMENT, "cannot change a step's op");
        const std::vector<rw_arg> bad{arg("x", b.x, 3)};
        call = call_of(bad);
        refused(rw_plan_update(b.plan, 0, &call), RW_INVALID_ARGUMENT, "out");
        OK(b.run());  // as it was
        EXPECT_EQ(b.read()[2 * width], -1);
    });
}

TEST_F(Api, AnUpdateMayForceAnImplementation) {
    on_every_device([](Bench& b) {
        OK(b.add());
        const std::string best = rw_plan_implementation(b.plan, 0);
        std::string all = b.explain("nobody"), plain;
        for (plain = "_far"; plain.ends_with("_far");) {  // the plainest one that takes everyday tensors
            const size_t last = all.rfind("\n  ", all.size() - 2) + 3;
            plain = all.substr(last, all.find(": ", last) - last);
            all.resize(last - 2);
        }
        rw_call call = call_of({}, plain.c_str());
        OK(rw_plan_update(b.plan, 0, &call));
        EXPECT_EQ(rw_plan_implementation(b.plan, 0), plain);
        call.implementation = nullptr;  // keeps it
        OK(rw_plan_update(b.plan, 0, &call));
        EXPECT_EQ(rw_plan_implementation(b.plan, 0), plain);
        call.implementation = "cpu:imaginary";
        refused(rw_plan_update(b.plan, 0, &call), RW_NOT_FOUND, "cpu:imaginary");
        OK(b.run());
        call.implementation = "";
        OK(rw_plan_update(b.plan, 0, &call));
        EXPECT_EQ(rw_plan_implementation(b.plan, 0), best);
        OK(b.run());
        EXPECT_GT(b.read()[0], 0);
    });
}

TEST_F(Api, ExplainFitsItsText) {
    on_every_device([](Bench& b) {
        const std::vector<rw_arg> args{arg("x", b.x), arg("out", b.out)};
        const rw_call call = call_of(args);
        const std::string whole = b.explain();
        EXPECT_NE(whole.find(": taken"), std::string::npos) << whole;
        size_t needed = 0;
        OK(rw_explain(b.device, &call, nullptr, 0, &needed));
        EXPECT_EQ(needed, whole.size());
        char text[8];
        std::memset(text, 'x', sizeof text);
        OK(rw_explain(b.device, &call, text, 5, &needed));
        EXPECT_EQ(std::string(text), whole.substr(0, 4));
        EXPECT_EQ(text[5], 'x');
    });
}

TEST_F(Api, HostMemoryIsUsedInPlace) {
    on_every_device([](Bench& b) {
        alignas(64) static float memory[width * rows];
        std::fill(memory, memory + width * rows, 2.f);
        rw_buffer* wrapped = nullptr;
        refused(rw_buffer_wrap_host(b.device, memory, 0, &wrapped), RW_INVALID_ARGUMENT, "bytes");
        const rw_status status = rw_buffer_wrap_host(b.device, memory, sizeof memory, &wrapped);
        if (status == RW_UNSUPPORTED) return;  // a device with memory of its own
        OK(status);
        const std::vector<rw_arg> args{arg("x", b.x), arg("out", wrapped)};
        const rw_call call = call_of(args);
        OK(rw_plan_add(b.plan, &call, nullptr));
        OK(b.run());
        float back = 0;
        OK(rw_buffer_read(wrapped, 0, &back, sizeof back));
        EXPECT_NEAR(back, 1 / std::sqrt(float(width)), 1e-6f);
        rw_buffer_destroy(wrapped);
        EXPECT_NE(memory[width * rows - 1], 2.f);
    });
}

TEST_F(Api, HostMemoryHasToBeAligned) {
    on_every_device([](Bench& b) {
        alignas(64) static std::byte memory[256];
        rw_buffer* wrapped = nullptr;
        if (rw_buffer_wrap_host(b.device, memory, 64, &wrapped) == RW_UNSUPPORTED) return;
        rw_buffer_destroy(wrapped), wrapped = nullptr;
        for (const int odd : {1, 2, 3, 63})
            refused(rw_buffer_wrap_host(b.device, memory + odd, 64, &wrapped), RW_INVALID_ARGUMENT, "multiple of");
        EXPECT_EQ(wrapped, nullptr);
        OK(rw_buffer_wrap_host(b.device, memory + 16, 64, &wrapped));
        rw_buffer_destroy(wrapped);
    });
}

TEST_F(Api, NothingIsGivenTwice) {
    Bench b(context, "cpu");
    const std::vector<rw_arg> twice{arg("x", b.x), arg("out", b.out), arg("x", b.x)}, once{arg("x", b.x), arg("out", b.out)};
    const rw_call call = call_of(twice);
    refused(rw_plan_add(b.plan, &call, nullptr), RW_INVALID_ARGUMENT, "L2_NORM: x: given twice");
    const rw_attr eps[] = {{"eps", "1e-6"}, {"eps", "1e-6"}};
    const rw_call attributes{sizeof attributes, "L2_NORM", once.data(), once.size(), eps, 2, nullptr};
    refused(rw_plan_add(b.plan, &attributes, nullptr), RW_INVALID_ARGUMENT, "L2_NORM: eps: given twice");
    OK(b.add());
    refused(rw_plan_update(b.plan, 0, &call), RW_INVALID_ARGUMENT, "x: given twice");
    OK(b.run());
    EXPECT_NEAR(b.read()[0], 1 / std::sqrt(float(width)), 1e-6f);
}

TEST_F(Api, TwoBuffersOverOneMemoryOverlap) {
    on_every_device([](Bench& b) {
        alignas(64) static float memory[width * rows + 16];
        rw_buffer *one = nullptr, *other = nullptr;
        if (rw_buffer_wrap_host(b.device, memory, Bench::bytes, &one) == RW_UNSUPPORTED) return;
        OK(rw_buffer_wrap_host(b.device, memory + 16, Bench::bytes, &other));
        const std::vector<rw_arg> args{arg("x", one), arg("out", other)};
        const rw_call call = call_of(args);
        refused(rw_plan_add(b.plan, &call, nullptr), RW_INVALID_ARGUMENT, "share memory");
        rw_buffer_destroy(one), rw_buffer_destroy(other);
    });
}

TEST_F(Api, BuffersKnowTheirDeviceAndBounds) {
    Bench b(context, "cpu"), other(context, "cpu");
    rw_buffer* buffer = nullptr;
    refused(rw_buffer_create(b.device, 0, &buffer), RW_INVALID_ARGUMENT, "bytes");
    refused(rw_buffer_create(b.device, 1ull << 60, &buffer), RW_OUT_OF_MEMORY, "");
    refused(rw_buffer_wrap_native(b.device, 1, 0, 64, &buffer), RW_UNSUPPORTED, "cpu:0");
    EXPECT_EQ(buffer, nullptr);
    char byte = 0;
    refused(rw_buffer_write(b.x, Bench::bytes, &byte, 1), RW_INVALID_ARGUMENT, "past the end");
    refused(rw_buffer_read(b.x, ~0ull, &byte, 1), RW_INVALID_ARGUMENT, "past the end");
    const std::vector<rw_arg> args{arg("x", other.x), arg("out", b.out)};
    const rw_call call = call_of(args);
    refused(rw_plan_add(b.plan, &call, nullptr), RW_INVALID_ARGUMENT, "another device");
    refused(b.run(), RW_INVALID_ARGUMENT, "nothing to run");
}

TEST_F(Api, AnythingMayGoFirst) {
    for (const rw_device_info& info : infos) {
        SCOPED_TRACE(info.id);
        rw_context* own = nullptr;
        OK(rw_context_create(&own));
        Bench b(own, info.id);
        OK(b.add());
        rw_context_destroy(own);
        rw_device_close(std::exchange(b.device, nullptr));
        rw_buffer_destroy(std::exchange(b.x, nullptr));  // the plan keeps what it uses
        OK(b.run());
        EXPECT_GT(b.read()[0], 0);
        OK(rw_plan_submit(b.plan));
        rw_plan_destroy(std::exchange(b.plan, nullptr));  // waits
        EXPECT_GT(b.read()[0], 0);
    }
}

TEST_F(Api, LinesGoToTheSink) {
    std::vector<std::string> lines;
    const rw_log_sink sink = [](void* user, const char* line) {
        static_cast<std::vector<std::string>*>(user)->push_back(line);
    };
    Bench b(context, "cpu");
    OK(rw_context_log(context, "dispatch", sink, &lines));
    OK(b.add());
    OK(rw_context_log(context, "", nullptr, nullptr));
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("L2_NORM on cpu:0"), std::string::npos) << lines[0];
    OK(b.add());
    EXPECT_EQ(lines.size(), 1u);
}

TEST_F(Api, MessagesArePerThread) {
    rw_device* device = nullptr;
    refused(rw_device_open(context, "cuda", &device), RW_NOT_FOUND, "cuda");
    std::thread([] { EXPECT_STREQ(rw_message(), ""); }).join();
    EXPECT_NE(std::string(rw_message()).find("cuda"), std::string::npos);
}

TEST(Cpp, ExplainsForcesAndLogs) {
    rw::Context context;
    rw::Device device = context.open("cpu");
    rw::Buffer x = device.upload(std::vector<float>{3, 4}), out = device.allocate(8);
    const std::vector<rw_arg> args{rw::arg("x", rw::Type::f32, {2}, x), rw::arg("out", rw::Type::f32, {2}, out)};
    EXPECT_NE(device.explain("L2_NORM", args).find(": taken"), std::string::npos);
    EXPECT_NE(device.explain("L2_NORM", args, {}, "cpu:plain").find("cpu:plain: taken"), std::string::npos);
    EXPECT_THROW(device.explain("L3_NORM", args), rw::Error);
    rw::Plan plan = device.plan();
    const size_t step = plan.add("L2_NORM", args);
    int lines = 0;
    context.log("dispatch", [](void* user, const char*) { ++*static_cast<int*>(user); }, &lines);
    plan.update(step, "L2_NORM", {}, {}, "cpu:plain");
    context.log("");
    EXPECT_EQ(lines, 1);
    EXPECT_EQ(plan.implementation(step), "cpu:plain");
    plan.run();
    EXPECT_FLOAT_EQ(out.read<float>(2)[0], .6f);
}

}  // namespace
