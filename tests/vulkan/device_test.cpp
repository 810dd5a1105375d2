// The Vulkan backend from outside: wrapped handles, allocation failure, a lost device, kernels edited on disk. Skipped
// where there is no Vulkan device.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/kernel_rows.h"
#include "core/plan.h"
#include "core/product.h"
#include "core/sample.h"
#include "rewind/ops/gated_delta_net.h"
#include "vulkan/buffer.h"
#include "vulkan/device.h"

namespace rw::vulkan {
namespace {

class VulkanDevice : public ::testing::Test {
protected:
    void SetUp() override {
        try {
            instance = std::make_shared<Instance>();
        } catch (const Error& e) {
            GTEST_SKIP() << e.what();
        }
        if (instance->devices().empty()) GTEST_SKIP() << "no Vulkan device";
        owner = std::make_shared<Context>(instance, instance->devices()[0], "vulkan:0");
        VkQueue queue;
        vkGetDeviceQueue(owner->device, owner->family, 0, &queue);
        handles.instance = instance->handle(), handles.physical = owner->physical, handles.device = owner->device;
        handles.queue = queue, handles.family = owner->family, handles.enabled = owner->features;
        handles.lock = [this] { ++locked; }, handles.unlock = [this] { ++unlocked; };
    }
    /// Runs a small call and returns its outputs.
    std::vector<double> run(core::Device& device, const std::string& impl) {
        const ops::Op& op = ops::find("GATED_DELTA_NET");
        core::Sample sample(device, op, op.example(ops::Dims("S=32 H_k=1 H_v=2 T=3 K=2 B=2 gates=weak")), 1);
        core::Plan plan(device.shared_from_this());
        plan.add(sample.call(), impl);
        plan.run();
        return sample.read(ops::gated_delta_net::arg::out);
    }
    std::shared_ptr<Instance> instance;
    std::shared_ptr<Context> owner;
    Handles handles;
    int locked = 0, unlocked = 0;
};

TEST_F(VulkanDevice, RunsInsideAnEnginesDevice) {
    const std::vector<double> want = run(*core::open("vulkan"), "vulkan:basic");
    {
        const auto wrapped = wrap_device(handles);
        EXPECT_EQ(run(*wrapped, "vulkan:basic"), want);
        EXPECT_GT(locked, 0);
        EXPECT_EQ(locked, unlocked);
    }
    EXPECT_EQ(vkDeviceWaitIdle(owner->device), VK_SUCCESS);  // the engine's device is alive
    const auto again = wrap_device(handles);
    EXPECT_EQ(run(*again, "vulkan:basic"), want);
}

TEST_F(VulkanDevice, WrapsAnEnginesBuffer) {
    const auto device = wrap_device(handles);
    const Memory memory(*owner, 4096, Memory::Use::device);
    const auto buffer = wrap_buffer(*device, memory.handle(), 1024, 512);
    const uint32_t word = 0x12345678;
    buffer->write(8, &word, sizeof word);
    uint32_t back = 0;
    buffer->read(8, &back, sizeof back);
    EXPECT_EQ(back, word);
    if (memory.mapped()) {
        EXPECT_EQ(static_cast<const uint32_t*>(memory.mapped())[(1024 + 8) / 4], word);
    }
    EXPECT_THROW(buffer->read(510, &back, sizeof back), Error);
    EXPECT_THROW(wrap_buffer(*device, memory.handle(), 4, 512), Error);
    EXPECT_THROW(wrap_buffer(*device, VK_NULL_HANDLE, 0, 512), Error);
}

TEST_F(VulkanDevice, ChecksWhatItWraps) {
    Handles h = handles;
    h.queue = VK_NULL_HANDLE;
    EXPECT_THROW(wrap_device(h), Error);
    h = handles, h.unlock = nullptr;
    EXPECT_THROW(wrap_device(h), Error);
    h = handles, h.family = 77;
    EXPECT_THROW(wrap_device(h), Error);
    const auto device = wrap_device(handles);
    const Memory memory(*owner, 4096, Memory::Use::device);
    EXPECT_THROW(wrap_buffer(*device, memory.handle(), 1024, 4096), Error);  // past its end
    EXPECT_THROW(wrap_buffer(*device, memory.handle(), ~0ull - 15, 16), Error);
    EXPECT_THROW(wrap_buffer(*device, memory.handle(), 0, 0), Error);
}

TEST_F(VulkanDevice, AnEnginesPipelineCacheIsUsedAndLeftToIt) {
    const VkPipelineCacheCreateInfo create{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    ASSERT_EQ(vkCreatePipelineCache(owner->device, &create, nullptr, &handles.pipelines), VK_SUCCESS);
    {
        const auto device = wrap_device(handles);
        EXPECT_EQ(dynamic_cast<Device&>(*device).context()->pipelines, handles.pipelines);
        EXPECT_FALSE(run(*device, "vulkan:basic").empty());
    }
    size_t size = 0;  // alive, and still the engine's to keep
    EXPECT_EQ(vkGetPipelineCacheData(owner->device, handles.pipelines, &size, nullptr), VK_SUCCESS);
    EXPECT_GE(size, 32u);  // at least its header
    vkDestroyPipelineCache(owner->device, handles.pipelines, nullptr);
}

TEST_F(VulkanDevice, AMisspeltConstantOfARowIsNamed) {
    const auto opened = core::open("vulkan");
    auto& device = dynamic_cast<Device&>(*opened);
    const ops::Op& op = ops::find("L2_NORM");
    const core::Sample sample(device, op, op.example(ops::Dims("")), 1);
    const core::Implementation* taken = nullptr;
    for (const core::Implementation* i : device.implementations(op.id))
        if (i->decline(sample.call()).empty()) taken = i;
    ASSERT_NE(taken, nullptr);
    core::KernelRow row = dynamic_cast<const Implementation&>(*taken).row();
    row.constants.emplace_back("WIDHT", core::Expr("1"));
    const Implementation misspelt(device, op, row);
    for (int i = 0; i < 2; ++i) try {
            misspelt.decline(sample.call());
            ADD_FAILURE() << "accepted";
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::invalid_argument);
            for (const std::string& word : {std::string("l2_norm.kernels"), row.name, std::string("WIDHT")})
                EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
        }
}

TEST_F(VulkanDevice, ARowWithAProductIsDeclined) {
    const auto opened = core::open("vulkan");
    const ops::Op& op = ops::find("MUL_MAT");
    const core::Sample sample(*opened, op, op.example(ops::Dims("R=64 path=prefill")), 1);
    const auto rows = core::parse_kernel_rows("[vulkan:library]\ngemm R, N, K\na x, x_1\nb w, w_1\nc out, o_1\n", "x.kernels");
    EXPECT_EQ(Implementation(dynamic_cast<Device&>(*opened), op, rows[0]).decline(sample.call()), core::why::no_gemm);
}

TEST(VulkanRows, NameOnlyConstantsThatTheirKernelsHave) {
    for (const ops::Op& op : ops::all())
        for (const core::KernelRow& row : core::kernel_rows(op, "vulkan"))
            EXPECT_NO_THROW(core::check_constants(op, row, [](const core::Pass& pass, const std::string& name) {
                return takes(pass, load_module(pass).reflection, name);
            })) << row.name;
}

TEST(VulkanFeatures, AreReadFromAnEnginesChain) {
    VkPhysicalDeviceVulkan12Features twelve{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    twelve.bufferDeviceAddress = twelve.shaderInt8 = VK_TRUE;
    VkPhysicalDevice16BitStorageFeatures storage{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, &twelve};
    storage.storageBuffer16BitAccess = VK_TRUE;
    VkPhysicalDeviceFeatures2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &storage};
    all.features.shaderInt64 = VK_TRUE;
    const Features f = enabled(&all, VK_API_VERSION_1_2, {});
    EXPECT_TRUE(f.device_address && f.int8 && f.storage16 && f.int64);
    EXPECT_FALSE(f.f16 || f.storage8 || f.subgroup_control);
    EXPECT_FALSE(enabled(&all, VK_API_VERSION_1_1, {}).device_address);  // not core yet, and no extension brings it
    const char* extensions[] = {VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME};
    EXPECT_TRUE(enabled(&all, VK_API_VERSION_1_1, extensions).device_address);
    EXPECT_FALSE(enabled(nullptr, VK_API_VERSION_1_3, {}).int64);
}

TEST_F(VulkanDevice, SurvivesAFailedAllocation) {
    const auto device = core::open("vulkan");
    for (const uint64_t bytes : {uint64_t(1) << 60, device->info().max_allocation + 1}) {
        try {
            device->allocate(bytes);
            FAIL() << bytes;
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::out_of_memory) << e.what();
        }
    }
    EXPECT_FALSE(run(*device, "vulkan:basic").empty());
}

TEST_F(VulkanDevice, LossIsStickyAndDestroyIsSafe) {
    const auto device = core::open("vulkan");
    const auto buffer = device->allocate(64);
    pretend_lost(*device);
    uint32_t word = 0;
    for (int i = 0; i < 2; ++i) try {
            buffer->read(0, &word, sizeof word);
            FAIL();
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::device_lost);
        }
    EXPECT_THROW(device->allocate(64), Error);
    EXPECT_THROW(run(*device, "vulkan:basic"), Error);
}

TEST_F(VulkanDevice, CompilerMessageOfAnEditedKernelIsShown) {
    const auto folder = std::filesystem::temp_directory_path() / ("rewind-kernels-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "edited.comp") << "#version 450\nvoid main() { nonsense; }\n";
    setenv("REWIND_KERNEL_DIR", folder.c_str(), 1);
    core::Pass pass;
    pass.source = pass.key = "edited.comp";
    try {
        load_module(pass);
        ADD_FAILURE() << "compiled";
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::invalid_argument);
        EXPECT_NE(std::string(e.what()).find("nonsense"), std::string::npos) << e.what();
    }
    std::ofstream(folder / "edited.comp") << "#version 450\n#extension GL_GOOGLE_include_directive : require\n"
                                             "#include \"dialect.h\"\nint fine;\nvoid main() { nonsense; }\n";
    std::ofstream(folder / "dialect.h") << "int one;\nint two;\n";
    try {
        load_module(pass);
        ADD_FAILURE() << "compiled";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("edited.comp:5:"), std::string::npos) << e.what();
    }
    std::ofstream(folder / "dialect.h") << "int one;\nint two = rubbish;\n";
    try {
        load_module(pass);
        ADD_FAILURE() << "compiled";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("dialect.h:2:"), std::string::npos) << e.what();
    }
    std::ofstream(folder / "edited.comp") << "#version 450\nlayout(constant_id = 7) const int N = 1;\n"
                                             "layout(local_size_x_id = 0) in;\nlayout(binding = 3) buffer X { int x[]; };\n"
                                             "void main() { x[0] = N; }\n";
    const Reflection r = load_module(pass).reflection;
    unsetenv("REWIND_KERNEL_DIR");
    std::filesystem::remove_all(folder);
    EXPECT_EQ(r.bindings, std::vector<uint32_t>{3});
    EXPECT_EQ(r.constants.at("N"), 7u);
    EXPECT_EQ(r.local_id[0], 0);
    EXPECT_FALSE(r.push_constants);
}

}  // namespace
}  // namespace rw::vulkan
