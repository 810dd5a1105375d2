// rewind gguf check: every problem of a model file, one line each. Exit status 0: none, 1: some.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>

#include "runtime/gguf/check.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

/// The lines of one file: that it cannot be opened is a line too.
std::vector<std::string> problems(const std::string& path, std::string& summary) {
    try {
        const gguf::File file(path);
        const auto lines = gguf::check(file);
        if (lines.empty()) {
            const gguf::Geometry g = checked_geometry(file);
            summary = fmt::format("{}, {} blocks{}, width {}, vocabulary {}, {} tensors", g.family->name, g.trunk(),
                                  g.mtp_only ? " (not here) and an MTP block" : g.mtp_blocks ? " and an MTP block" : "", g.width,
                                  g.vocab, file.tensors().size());
        }
        return lines;
    } catch (const Error& e) {
        std::string line = e.what();
        if (line.starts_with(path + ": ")) line.erase(0, path.size() + 2);
        return {line};
    }
}

}  // namespace

void add_gguf_check(CLI::App& gguf, int& status) {
    CLI::App& verb = *gguf.add_subcommand("check", "Whether model files are sound and can be run");
    auto files = std::make_shared<std::vector<std::string>>();
    verb.add_option("file", *files, "Models; of a split one the first part")->required();
    verb.callback([files, &status] {
        for (const std::string& path : *files) {
            std::string summary;
            const auto lines = problems(path, summary);
            for (const std::string& line : lines) std::cout << path << ": " << line << "\n";
            if (lines.empty()) std::cout << path << ": good: " << summary << "\n";
            else status = 1;
        }
    });
}

}  // namespace rw::tools
