// Kernel sources embedded by the build (cmake/embed.cmake), or taken from REWIND_KERNEL_DIR by kernel developers.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/kernel_rows.h"
#include "embedded_sources.h"  // generated: struct { const char* file; std::string_view text; } embedded_sources[]

namespace rw::core {
namespace {

std::filesystem::path overriding(const std::string& file) {
    const char* directory = std::getenv("REWIND_KERNEL_DIR");
    if (!directory || !*directory) return {};
    const std::filesystem::path path = std::filesystem::path(directory) / file;
    return std::filesystem::exists(path) ? path : std::filesystem::path();
}

void expand(const std::string& file, std::set<std::string>& seen, std::string& out) {
    if (!seen.insert(file).second) return;
    std::istringstream lines(kernel_source(file));
    for (std::string line; std::getline(lines, line);) {
        const size_t open = line.find('"'), close = line.rfind('"');
        if (line.starts_with("#include") && open != line.npos && close > open)
            expand(line.substr(open + 1, close - open - 1), seen, out);
        else
            out += line + "\n";
    }
}

}  // namespace

bool kernel_overridden(const std::string& file) { return !overriding(file).empty(); }

std::string kernel_source(const std::string& file) {
    if (const auto path = overriding(file); !path.empty()) {
        std::ifstream in(path);
        std::stringstream text;
        text << in.rdbuf();
        if (!in) throw Error(Status::io, "cannot read " + path.string());
        return text.str();
    }
    for (const auto& e : embedded_sources)
        if (file == e.file) return std::string(e.text);
    throw Error(Status::not_found, "no kernel source '" + file + "' in this build" +
                                       (std::getenv("REWIND_KERNEL_DIR") ? " or in REWIND_KERNEL_DIR" : ""));
}

std::string with_includes(const std::string& file) {
    std::set<std::string> seen;
    std::string out;
    expand(file, seen, out);
    return out;
}

}  // namespace rw::core
