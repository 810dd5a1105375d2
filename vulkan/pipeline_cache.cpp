// Compiled pipelines on disk. The driver checks that the data is its own; a file that cannot be read or written only
// costs time.
#include <fstream>

#include "core/cache_path.h"
#include "core/version.h"
#include "vulkan/context.h"

namespace rw::vulkan {
namespace {

namespace fs = std::filesystem;

fs::path cache_file(const Context& context) {
    VkPhysicalDeviceProperties p;
    vkGetPhysicalDeviceProperties(context.physical, &p);
    std::string name = "vulkan-";
    constexpr char digits[] = "0123456789abcdef";
    for (const uint8_t byte : p.pipelineCacheUUID) name += digits[byte >> 4], name += digits[byte & 15];
    return core::cache_path(name + "-" + std::to_string(p.deviceID) + "-" + core::version());
}

}  // namespace

VkPipelineCache load_pipeline_cache(const Context& context) {
    std::string data;
    std::ifstream in(cache_file(context), std::ios::binary);
    if (in) data.assign(std::istreambuf_iterator<char>(in), {});
    VkPipelineCacheCreateInfo create{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    create.initialDataSize = data.size(), create.pInitialData = data.empty() ? nullptr : data.data();
    VkPipelineCache cache = VK_NULL_HANDLE;
    if (vkCreatePipelineCache(context.device, &create, nullptr, &cache) != VK_SUCCESS) return VK_NULL_HANDLE;
    return cache;
}

void store_pipeline_cache(const Context& context) {
    const fs::path file = cache_file(context);
    size_t size = 0;
    if (file.empty() || vkGetPipelineCacheData(context.device, context.pipelines, &size, nullptr) != VK_SUCCESS) return;
    std::error_code error;
    if (!size || fs::file_size(file, error) == size) return;
    std::string data(size, '\0');
    if (vkGetPipelineCacheData(context.device, context.pipelines, &size, data.data()) != VK_SUCCESS) return;
    fs::create_directories(file.parent_path(), error);
    // Written aside and renamed: another process may be reading, and a torn file would be used as it is.
    fs::path part = file;
    part += "." + std::to_string(reinterpret_cast<uintptr_t>(&context)) + ".part";
    std::ofstream(part, std::ios::binary).write(data.data(), std::streamsize(size));
    fs::rename(part, file, error);
    if (error) fs::remove(part, error);
}

}  // namespace rw::vulkan
