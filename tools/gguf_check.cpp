// rewind gguf check: every problem of a model file, one line each. Exit status 0: none, 1: some.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>

#include "runtime/gguf/check.h"
#include "runtime/tokenizer/chat.h"
#include "tools/manual.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

/// What a sound model still cannot do here; empty when that is nothing.
std::string chat_note(const gguf::Metadata& metadata) {
    try {
        tokenizer::ChatTemplate::of(metadata);
    } catch (const Error& e) {
        if (e.status != Status::not_found) return fmt::format("note: plain text can be run, messages cannot: {}", e.what());
    }
    return "";
}

/// The lines of one file: that it cannot be opened is a line too.
std::vector<std::string> problems(const std::string& path, std::string& summary, std::string& note) {
    try {
        const gguf::File file(path);
        const auto lines = gguf::check(file);
        if (lines.empty()) {
            const gguf::Geometry g = checked_geometry(file);
            summary = fmt::format("{}, {} blocks{}, width {}, vocabulary {}, {} tensors", g.family->name, g.trunk(),
                                  g.mtp_only ? " (not here) and an MTP block" : g.mtp_blocks ? " and an MTP block" : "", g.width,
                                  g.vocab, file.tensors().size());
            note = chat_note(file.metadata());
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
    add_manual(verb, {.examples = {{"rewind gguf check model.gguf", "every problem, one a line, or: good"},
                                   {"rewind gguf check *.gguf", "several"}},
                      .status = {{"1", "a file has problems, or cannot be run by this runtime"}}});
    verb.callback([files, &status] {
        for (const std::string& path : *files) {
            std::string summary, note;
            const auto lines = problems(path, summary, note);
            for (const std::string& line : lines) std::cout << path << ": " << line << "\n";
            if (lines.empty()) std::cout << path << ": good: " << summary << "\n";
            else status = 1;
            if (!note.empty()) std::cout << path << ": " << note << "\n";
        }
    });
}

}  // namespace rw::tools
