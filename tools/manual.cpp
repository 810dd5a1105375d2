#include "tools/manual.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace rw::tools {
namespace {

using Entries = std::vector<Manual::Entry>;

/// Each on a line of its own, what there is to say about it under it.
std::string section(const std::string& title, const Entries& entries) {
    if (entries.empty()) return "";
    std::string text = "\n" + title + ":\n";
    for (const auto& [what, about] : entries) text += "  " + what + "\n      " + about + "\n";
    return text;
}

std::string statuses(Entries own) {
    const auto says = [&](const char* status) {
        return std::any_of(own.begin(), own.end(), [&](const Manual::Entry& e) { return e.what == status; });
    };
    for (const auto& [what, about] : Entries{{"0", "it did what was asked"}, {"1", "it could not; standard error says why"},
                                             {"2", "the command line makes no sense"}})
        if (!says(what.c_str())) own.push_back({what, about});
    std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return std::stoi(a.what) < std::stoi(b.what); });
    std::string text = "\nExit status:\n";
    for (const auto& [what, about] : own) text += "  " + what + std::string(6 - what.size(), ' ') + about + "\n";
    return text;
}

}  // namespace

void add_manual(CLI::App& verb, const Manual& m) {
    std::string text = m.about.empty() ? "" : m.about + "\n";
    text += section("Examples", m.examples) + section("Files", m.files) + section("Environment", m.environment) + statuses(m.status);
    if (!m.more.empty()) text += "\nSee also: " + m.more + "\n";
    text.pop_back();
    verb.footer(text);
}

}  // namespace rw::tools
