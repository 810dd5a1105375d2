#include <set>
#include <shaderc/shaderc.hpp>
#include <sstream>

#include "spirv_modules.h"  // generated: struct { const char* key; const uint32_t* words; size_t count; } spirv_modules[]
#include "vulkan/program.h"

namespace rw::vulkan {
namespace {

/// True when the file, or one that it includes, comes from REWIND_KERNEL_DIR.
bool overridden(const std::string& file, std::set<std::string>& seen) {
    if (!seen.insert(file).second) return false;
    if (core::kernel_overridden(file)) return true;
    std::istringstream lines(core::kernel_source(file));
    for (std::string line; std::getline(lines, line);) {
        const size_t open = line.find('"'), close = line.rfind('"');
        if (line.starts_with("#include") && open < close && overridden(line.substr(open + 1, close - open - 1), seen))
            return true;
    }
    return false;
}

}  // namespace

std::vector<uint32_t> compile(const core::Pass& pass) {
    shaderc::CompileOptions options;
    options.SetTargetEnvironment(shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_1);
    options.SetGenerateDebugInfo();  // keeps the names that specialisation goes by
    for (const auto& [name, value] : pass.defines) options.AddMacroDefinition(name, value);
    const shaderc::SpvCompilationResult result = shaderc::Compiler().CompileGlslToSpv(
        core::with_includes(pass.source), shaderc_compute_shader, pass.source.c_str(), options);
    if (result.GetCompilationStatus() != shaderc_compilation_status_success)
        throw Error(Status::invalid_argument, "vulkan: " + pass.key + " does not compile:\n" + result.GetErrorMessage());
    return {result.begin(), result.end()};
}

Module load_module(const core::Pass& pass) {
    Module m;
    std::set<std::string> seen;
    if (!overridden(pass.source, seen))
        for (const SpirvModule& e : spirv_modules)
            if (e.words && pass.key == e.key) m.words.assign(e.words, e.words + e.count);
    if (m.words.empty()) m.words = compile(pass);
    m.reflection = reflect(m.words);
    return m;
}

}  // namespace rw::vulkan
