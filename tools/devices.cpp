// rewind devices: what can be opened here, and why not more.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/device.h"
#include "tools/manual.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

nlohmann::json to_json(const core::DeviceInfo& d) {
    return {{"id", d.id},         {"name", d.name},
            {"driver", d.driver}, {"memory", d.memory},
            {"max_allocation", d.max_allocation}, {"software", d.is_software},
            {"facts", d.facts}};
}

void show(bool as_json) {
    std::vector<std::string> notes;
    const std::vector<core::DeviceInfo> found = core::devices(&notes);
    if (as_json) {
        nlohmann::json root{{"devices", nlohmann::json::array()}, {"notes", notes}};
        for (const core::DeviceInfo& d : found) root["devices"].push_back(to_json(d));
        std::cout << root.dump(2) << "\n";
        return;
    }
    Table table({"device", "name", "driver", ">memory", ">largest buffer"});
    for (const core::DeviceInfo& d : found)
        table.row({d.id, d.name + (d.is_software ? " (software)" : ""), d.driver, bytes_text(double(d.memory)),
                   bytes_text(double(d.max_allocation))});
    table.print(std::cout);
    std::cout << "\n";
    for (const core::DeviceInfo& d : found) {
        std::cout << d.id << ":";
        for (const auto& [name, value] : d.facts) std::cout << " " << name << "=" << value;
        std::cout << "\n";
    }
    for (const std::string& note : notes) std::cout << "note: " << note << "\n";
}

}  // namespace

void add_devices(CLI::App& app, int&) {
    CLI::App& verb = *app.add_subcommand("devices", "List the devices of every backend");
    auto as_json = std::make_shared<bool>(false);
    verb.add_flag("--json", *as_json, "Print JSON");
    add_manual(verb, {.examples = {{"rewind devices", "every device, its memory, and what is known of its speed"},
                                   {"rewind devices --json", "the same for programs"}},
                      .more = "docs/embedding.md (devices that an engine has already)"});
    verb.callback([as_json] { show(*as_json); });
}

}  // namespace rw::tools
