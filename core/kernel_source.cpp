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
    std::error_code absent;
    if (!std::filesystem::is_directory(directory, absent))
        throw Error(Status::io, std::string("REWIND_KERNEL_DIR=") + directory +
                                    ": is not a folder; expected one with edited kernels, named like those in shaders/");
    const std::filesystem::path path = std::filesystem::path(directory) / file;
    return std::filesystem::exists(path) ? path : std::filesystem::path();
}

/// Puts a kernel's files into one text in which compilers still name the file and line that an error is in.
class Flattener {
public:
    explicit Flattener(const std::string& root) : glsl_(root.ends_with(".comp")), seen_{root} { add(root, 0); }
    std::string text;

private:
    void add(const std::string& file, int depth) {
        std::istringstream lines(kernel_source(file));
        bool moved = depth > 0;  // the compiler's own count does not hold in this file
        if (moved) at(1, file);
        int number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            const size_t open = line.find('"'), close = line.rfind('"');
            if (line.starts_with("#include") && open != line.npos && close > open) {
                const std::string name = line.substr(open + 1, close - open - 1);
                if (seen_.insert(name).second) add(name, depth + 1), moved = true;
                at(number + 1, file);
            } else {
                text += line + "\n";
                // Behind a part that is left out, where a compiler passes over #line too.
                if (moved && line.starts_with("#e")) at(number + 1, file);
            }
        }
    }
    void at(int line, const std::string& file) {
        if (glsl_ && !named_) text += "#extension GL_GOOGLE_cpp_style_line_directive : enable\n", named_ = true;
        text += "#line " + std::to_string(line) + " \"" + file + "\"\n";
    }
    const bool glsl_;
    bool named_ = false;
    std::set<std::string> seen_;
};

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

std::string with_includes(const std::string& file) { return Flattener(file).text; }

}  // namespace rw::core
