// rewind ops list: op by device, and the implementations that exist there. Nothing here is written by hand: devices
// say what they have, and for the table of the README, which must not depend on the machine, so do the kernel files.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/kernel_rows.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

std::vector<std::string> names(const core::Device& device, const ops::Op& op) {
    std::vector<std::string> list;
    for (const core::Implementation* i : device.implementations(op.id)) list.push_back(i->name());
    return list;
}

std::string joined(const std::vector<std::string>& words, const std::string& by) {
    std::string text;
    for (const std::string& w : words) text += (text.empty() ? "" : by) + w;
    return text;
}

void show_devices(bool as_json) {
    std::vector<std::string> notes;
    std::vector<std::shared_ptr<core::Device>> devices;
    for (const core::DeviceInfo& info : core::devices(&notes)) devices.push_back(core::open(info.id));
    if (as_json) {
        nlohmann::json root{{"ops", nlohmann::json::array()}, {"notes", notes}};
        for (const ops::Op& op : ops::all()) {
            nlohmann::json row{{"op", op.name}, {"implementations", nlohmann::json::object()}};
            for (const auto& device : devices) row["implementations"][device->info().id] = names(*device, op);
            root["ops"].push_back(row);
        }
        std::cout << root.dump(2) << "\n";
        return;
    }
    Table table({"op", "device", "implementations, best first"});
    for (const ops::Op& op : ops::all())
        for (const auto& device : devices) {
            const std::string list = joined(names(*device, op), ", ");
            table.row({device == devices.front() ? op.name : "", device->info().id, list.empty() ? "none" : list});
        }
    table.print(std::cout);
    for (const std::string& note : notes) std::cout << "note: " << note << "\n";
}

/// What a backend has on any machine: its rows in the kernel files, or for one without such files what it opens.
std::vector<std::string> names_anywhere(core::Backend& backend, const ops::Op& op) {
    std::vector<std::string> list;
    for (const core::KernelRow& row : core::kernel_rows(op, backend.name())) list.push_back(row.name);
    std::string note;
    if (list.empty() && !backend.enumerate(note).empty()) return names(*backend.open(0), op);
    return list;
}

void show_markdown() {
    std::vector<std::string> headings{"op"};
    for (const auto& backend : core::backends()) headings.push_back(backend->name());
    Table table(headings);
    for (const ops::Op& op : ops::all()) {
        std::vector<std::string> row{std::string("`") + op.name + "`"};
        for (const auto& backend : core::backends()) {
            std::string cell;
            for (std::string name : names_anywhere(*backend, op))
                cell += (cell.empty() ? "" : ", ") + name.substr(name.find(':') + 1);
            row.push_back(cell.empty() ? "–" : cell);
        }
        table.row(row);
    }
    table.print_markdown(std::cout);
}

}  // namespace

void add_ops_list(CLI::App& ops, int&) {
    CLI::App& verb = *ops.add_subcommand("list", "What runs where, with implementation names");
    auto as_json = std::make_shared<bool>(false), markdown = std::make_shared<bool>(false);
    CLI::Option* json = verb.add_flag("--json", *as_json, "Print JSON");
    verb.add_flag("--markdown", *markdown, "Op by backend as Markdown, the same on every machine")->excludes(json);
    verb.callback([as_json, markdown] { *markdown ? show_markdown() : show_devices(*as_json); });
}

}  // namespace rw::tools
