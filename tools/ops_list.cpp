// rewind ops list: op by device, and the implementations that exist there; of one op, its arguments and attributes too.
// Nothing here is written by hand: devices say what they have, and for the table of the README, which must not depend on
// the machine, so do the kernel files.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/kernel_rows.h"
#include "tools/manual.h"
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

const char* name_of(ops::Use use) {
    switch (use) {
    case ops::Use::in: return "in";
    case ops::Use::optional: return "in, optional";
    case ops::Use::out: return "out";
    case ops::Use::optional_out: return "out, optional";
    case ops::Use::inout: return "in and out";
    }
    return "";
}

std::string types_of(const ops::ArgRow& arg) {
    std::vector<std::string> names;
    for (const TypeInfo& type : all_types)
        if (arg.types >> int(type.type) & 1) names.push_back(type.name);
    return joined(names, " ");
}

nlohmann::ordered_json value_of(const ops::AttrRow& attr) {
    if (attr.kind == ops::AttrRow::choice) return std::string(attr.choices).substr(0, std::string(attr.choices).find('|'));
    if (attr.kind == ops::AttrRow::flag) return attr.fallback != 0;
    return attr.fallback;
}

nlohmann::ordered_json contract(const ops::Op& op) {
    nlohmann::ordered_json args = nlohmann::json::array(), attrs = nlohmann::json::array();
    for (const ops::ArgRow& a : op.args) {
        args.push_back({{"name", a.name}, {"use", name_of(a.use)}, {"most_dimensions", a.rank}, {"types", types_of(a)}});
        if (a.over) args.back()["may_be"] = a.over;
    }
    for (const ops::AttrRow& a : op.attrs) {
        attrs.push_back({{"name", a.name}, {"default", value_of(a)}});
        if (a.kind == ops::AttrRow::choice) attrs.back()["choices"] = a.choices;
    }
    return {{"arguments", args}, {"attributes", attrs}};
}

void show_contract(const ops::Op& op) {
    Table args({"argument", "use", ">dimensions", "types", "may be the memory of"});
    for (const ops::ArgRow& a : op.args)
        args.row({a.name, name_of(a.use), std::to_string(a.rank), types_of(a), a.over ? a.over : ""});
    args.print(std::cout);
    std::cout << "\n";
    Table attrs({"attribute", "default", "choices"});
    for (const ops::AttrRow& a : op.attrs) {
        const auto value = value_of(a);
        attrs.row({a.name, value.is_string() ? value.get<std::string>() : value.dump(),
                   a.kind == ops::AttrRow::choice ? a.choices : a.kind == ops::AttrRow::flag ? "false|true" : "a number"});
    }
    if (!op.attrs.empty()) attrs.print(std::cout);
    std::cout << "\nShapes and meaning: include/rewind/ops/" << op.stem << ".h\n\n";
}

/// only: one op, or null for all.
void show_devices(bool as_json, const ops::Op* only) {
    std::vector<std::string> notes;
    std::vector<std::shared_ptr<core::Device>> devices;
    for (const core::DeviceInfo& info : core::devices(&notes)) devices.push_back(core::open(info.id));
    if (as_json) {
        nlohmann::ordered_json root{{"ops", nlohmann::json::array()}, {"notes", notes}};
        for (const ops::Op& op : ops::all()) {
            if (only && only != &op) continue;
            nlohmann::ordered_json row{{"op", op.name}};
            row.update(contract(op));
            row["implementations"] = nlohmann::ordered_json::object();
            for (const auto& device : devices) row["implementations"][device->info().id] = names(*device, op);
            root["ops"].push_back(row);
        }
        std::cout << root.dump(2) << "\n";
        return;
    }
    if (only) show_contract(*only);
    Table table({"op", "device", "implementations, best first"});
    for (const ops::Op& op : ops::all())
        for (const auto& device : devices) {
            if (only && only != &op) continue;
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
    struct Options {
        std::string op;
        bool json = false, markdown = false;
    };
    auto o = std::make_shared<Options>();
    CLI::Option* op = verb.add_option("op,--op", o->op, "This op: its arguments and attributes too");
    CLI::Option* json = verb.add_flag("--json", o->json, "Print JSON, with arguments and attributes");
    verb.add_flag("--markdown", o->markdown, "Op by backend as Markdown, the same on every machine")
        ->excludes(json)
        ->excludes(op);
    add_manual(verb, {.examples = {{"rewind ops list", "what runs on the devices of this machine"},
                                   {"rewind ops list GATED_DELTA_NET", "and its arguments, attributes and their defaults"}},
                      .more = "docs/add-an-op.md"});
    verb.callback([o] {
        if (o->markdown) return show_markdown();
        show_devices(o->json, o->op.empty() ? nullptr : &ops::find(o->op));
    });
}

}  // namespace rw::tools
