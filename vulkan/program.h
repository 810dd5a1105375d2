// From a pass of a kernel row to a pipeline: module (embedded or compiled now), specialisation, layouts.
#pragma once

#include "core/kernel_rows.h"
#include "vulkan/context.h"
#include "vulkan/reflect.h"

namespace rw::vulkan {

/// A compiled kernel source with its defines, not yet specialised.
struct Module {
    std::vector<uint32_t> words;
    Reflection reflection;
};

/// The build's module for a pass; compiled from source when REWIND_KERNEL_DIR replaces one of its files, or when the
/// build does not have it.
Module load_module(const core::Pass& pass);
/// Compiles with libshaderc; throws Error(invalid_argument) with the compiler's message.
std::vector<uint32_t> compile(const core::Pass& pass);

using Specialisation = std::vector<std::pair<std::string, int64_t>>;

/// Binding 0 is the parameter block (shaders/block.glsl), all others are tensors and scratch.
inline VkDescriptorType descriptor_type(uint32_t binding) {
    return binding == 0 ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

class Program {
public:
    Program(std::shared_ptr<Context> context, const std::string& key, const Module& module,
            const Specialisation& values, const std::array<uint32_t, 3>& local);
    ~Program();
    Program(const Program&) = delete;
    VkPipeline pipeline() const { return pipeline_; }
    VkPipelineLayout layout() const { return layout_; }
    VkDescriptorSetLayout set_layout() const { return set_layout_; }
    const std::vector<uint32_t>& bindings() const { return bindings_; }
    bool ranged() const { return ranged_; }  // takes push constants t0, t1

private:
    void build(const std::string& key, const Module& module, const Specialisation& values,
               const std::array<uint32_t, 3>& local);
    void release();
    std::shared_ptr<Context> context_;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
    std::vector<uint32_t> bindings_;
    bool ranged_;
};

/// The push constants of every kernel: the tokens [t0, t1) of a dispatch.
struct Range {
    int32_t t0, t1;
    bool operator==(const Range&) const = default;
};

}  // namespace rw::vulkan
