// rewind ops explain: which implementation takes a call on a device, and why the better ones do not.
#include <CLI/CLI.hpp>
#include <cstring>
#include <fmt/format.h>
#include <iostream>

#include "core/select.h"
#include "tests/driver/cases.h"
#include "tests/driver/inputs.h"
#include "tools/manual.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    std::string op, backend, impl, words;
};

/// Parameter fields that are not 0, as the kernels see them.
std::string params_text(const ops::Op& op, const ops::Call& call) {
    std::vector<std::byte> bytes(op.params_size);
    op.fill_params(call, bytes.data());
    std::string text, line = "   ";
    for (const ops::Field& field : op.fields) {
        int32_t whole = 0;
        float real = 0;
        std::memcpy(&whole, bytes.data() + field.offset, 4), std::memcpy(&real, bytes.data() + field.offset, 4);
        if (whole == 0) continue;
        const std::string word = field.is_float ? fmt::format(" {}={:.6g}", field.name, real)
                                                : fmt::format(" {}={}", field.name, whole);
        if (line.size() + word.size() > 110) text += line + "\n", line = "   ";
        line += word;
    }
    return text + line + "\n";
}

/// One case on one device; false when nothing takes it.
bool explain(core::Device& device, const ops::Op& op, const std::string& words, const std::string& impl) {
    const test::Case c(words);
    const ops::Call call = test::shape_of(op, op.example(c.dims));
    c.dims.all_read();
    ops::validate(op, call);
    const core::Walk walk = core::walk(device, op, call, impl);
    std::cout << device.info().id << ": " << device.info().name << "\n";
    size_t tried = 0;
    for (const core::Walk::Line& line : walk.lines) {
        std::cout << fmt::format("  {:<22} {}\n", line.implementation, line.reason.empty() ? "TAKEN" : line.reason);
        ++tried;
    }
    const auto all = device.implementations(op.id);
    for (; tried < all.size(); ++tried) std::cout << fmt::format("  {:<22} not reached\n", all[tried]->name());
    if (all.empty()) std::cout << "  no implementation on this device\n";
    if (!walk.chosen && !all.empty()) std::cout << "  nothing takes this call here\n";
    return walk.chosen != nullptr;
}

/// A name that no device has for the op would be declined by all of them, as if it existed.
void check_implementation(const std::string& name, const ops::Op& op, const std::vector<std::shared_ptr<core::Device>>& at) {
    if (name.empty()) return;
    std::string names;
    for (const auto& device : at)
        for (const core::Implementation* i : device->implementations(op.id)) {
            if (i->name() == name) return;
            names += (names.empty() ? " " : ", ") + i->name();
        }
    throw Error(Status::not_found, "--impl " + name + ": no such implementation; there are:" + names);
}

void describe(const ops::Op& op, const std::string& words) {
    const test::Case c(words);
    const ops::Call call = test::shape_of(op, op.example(c.dims));
    c.dims.all_read();
    ops::validate(op, call);
    std::cout << op.name << "  " << (words.empty() ? "(default case)" : words) << "\n";
    for (size_t i = 0; i < op.args.size(); ++i) {
        const Tensor& t = call.arg[i];
        if (!t) continue;
        std::cout << fmt::format("  {:<3} {:<8} {:<4} [{}, {}, {}, {}]\n", op.args[i].written() ? "out" : "in",
                                 op.args[i].name, name_of(t.type), t.ne[0], t.ne[1], t.ne[2], t.ne[3]);
    }
    std::cout << " ";
    for (size_t a = 0; a < op.attrs.size(); ++a)
        std::cout << " " << op.attrs[a].name << "="
                  << (op.attrs[a].kind == ops::AttrRow::choice ? ops::attr_text(op, call, int(a))
                                                               : fmt::format("{:g}", call.attr[a]));
    const ops::Cost cost = op.cost(call);
    std::cout << fmt::format("\n  moves at least {}, {} Mflop, {:.2g} flop a byte\n", bytes_text(cost.bytes),
                             rate(cost.flops * 1e3), cost.bytes > 0 ? cost.flops / cost.bytes : 0);
    std::cout << "  parameters that are not 0:\n" << params_text(op, call);
}

int run(const Options& o) {
    const ops::Op& op = ops::find(o.op);
    std::vector<std::string> notes, ids;
    if (o.backend.empty())
        for (const core::DeviceInfo& info : core::devices(&notes)) ids.push_back(info.id);
    else
        ids.push_back(o.backend);
    std::vector<std::shared_ptr<core::Device>> devices;
    for (const std::string& id : ids) devices.push_back(core::open(id));
    check_implementation(o.impl, op, devices);
    bool taken = true;
    std::vector<std::string> cases = test::case_lines(o.words, op.stem);
    if (cases.empty()) cases.push_back("");
    for (const std::string& words : cases) {
        describe(op, words);
        for (const auto& device : devices) taken = explain(*device, op, words, o.impl) && taken;
    }
    for (const std::string& note : notes) std::cout << "note: " << note << "\n";
    return taken ? 0 : 1;
}

}  // namespace

void add_ops_explain(CLI::App& ops, int& status) {
    CLI::App& verb = *ops.add_subcommand("explain", "Which implementation takes a call, and why not a better one");
    auto o = std::make_shared<Options>();
    verb.add_option("op,--op", o->op, "Name of the op")->required();
    verb.add_option("--backend", o->backend, "Device, e.g. vulkan:0 (default: all)");
    verb.add_option("--impl", o->impl, "Ask for this implementation only");
    verb.add_option("--case", o->words, "The call, e.g. \"S=128 H_k=16 H_v=32 T=4 K=4\"");
    add_manual(verb, {.examples = {{"rewind ops explain GATED_DELTA_NET --backend vulkan --case \"S=128 H_k=16 H_v=32 T=4 K=4\"",
                                    "each implementation: taken, or the reason why not"}},
                      .environment = {{"REWIND_VERBOSE=dispatch", "the same for every call of any program, on standard error"}}});
    verb.callback([o, &status] { status = run(*o); });
}

}  // namespace rw::tools
