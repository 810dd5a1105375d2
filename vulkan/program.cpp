#include "vulkan/program.h"

#include <algorithm>

namespace rw::vulkan {

Program::Program(std::shared_ptr<Context> context, const std::string& key, const Module& module,
                 const Specialisation& values, const std::array<uint32_t, 3>& local)
    : context_(std::move(context)), bindings_(module.reflection.bindings), ranged_(module.reflection.push_constants) {
    try {
        build(key, module, values, local);
    } catch (...) {
        release();
        throw;
    }
}

Program::~Program() { release(); }

void Program::release() {
    vkDestroyPipeline(context_->device, pipeline_, nullptr);
    vkDestroyPipelineLayout(context_->device, layout_, nullptr);
    vkDestroyDescriptorSetLayout(context_->device, set_layout_, nullptr);
}

void Program::build(const std::string& key, const Module& module, const Specialisation& values,
                    const std::array<uint32_t, 3>& local) {
    const VkDevice device = context_->device;
    const Reflection& r = module.reflection;
    context_->alive();

    std::vector<VkDescriptorSetLayoutBinding> slots;
    for (const uint32_t b : bindings_)
        slots.push_back({b, descriptor_type(b), 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
    VkDescriptorSetLayoutCreateInfo set{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    set.bindingCount = uint32_t(slots.size()), set.pBindings = slots.data();
    context_->check(vkCreateDescriptorSetLayout(device, &set, nullptr, &set_layout_), "creating a set layout");
    const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(Range)};
    VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    layout.setLayoutCount = 1, layout.pSetLayouts = &set_layout_;
    layout.pushConstantRangeCount = ranged_, layout.pPushConstantRanges = &push;
    context_->check(vkCreatePipelineLayout(device, &layout, nullptr, &layout_), "creating a pipeline layout");

    std::vector<int32_t> data;
    std::vector<VkSpecializationMapEntry> entries;
    const auto specialise = [&](uint32_t id, int64_t value) {
        entries.push_back({id, uint32_t(data.size() * sizeof(int32_t)), sizeof(int32_t)});
        data.push_back(int32_t(value));
    };
    for (const auto& [name, value] : values)
        if (const auto it = r.constants.find(name); it != r.constants.end()) specialise(it->second, value);
    for (size_t d = 0; d < 3; ++d) {
        if (r.local_id[d] >= 0) specialise(uint32_t(r.local_id[d]), local[d]);
        else if (r.local[d] != local[d])
            throw Error(Status::internal, "vulkan: " + key + ": the row asks for another work-group size than the kernel has");
    }
    const VkSpecializationInfo constants{uint32_t(entries.size()), entries.data(), data.size() * sizeof(int32_t), data.data()};

    VkShaderModuleCreateInfo shader{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
    shader.codeSize = module.words.size() * sizeof(uint32_t), shader.pCode = module.words.data();
    VkComputePipelineCreateInfo create{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    create.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    create.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT, create.stage.pName = "main";
    create.stage.pSpecializationInfo = &constants;
    create.layout = layout_;
    // Kernels with subgroup operations count on full subgroups of the advertised size.
    auto& facts = context_->info.facts;
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size{
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO};
    size.requiredSubgroupSize = uint32_t(facts["subgroup"]);
    if (r.subgroups && facts["subgroup_control"] && local[0] % size.requiredSubgroupSize == 0) {
        create.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
        create.stage.pNext = &size;
    }
    context_->check(vkCreateShaderModule(device, &shader, nullptr, &create.stage.module), key + ": creating the module");
    const VkResult result = vkCreateComputePipelines(device, context_->pipelines, 1, &create, nullptr, &pipeline_);
    vkDestroyShaderModule(device, create.stage.module, nullptr);
    context_->check(result, key + ": creating the pipeline");
}

}  // namespace rw::vulkan
