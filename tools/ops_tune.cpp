// rewind ops tune: tries the values that shaders/<op>.kernels names for a kernel's tunes, one tune after another with the
// best of those before, and says how to have the best ones. Every setting is compared with the definition first.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "core/kernel_rows.h"
#include "core/select.h"
#include "tests/driver/cases.h"
#include "tools/manual.h"
#include "tools/measure.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    std::string op, backend, impl, words;
    double seconds = 0.3;
};

using Values = std::vector<std::pair<std::string, int64_t>>;

/// As REWIND_TUNE has it: "vulkan:lanes.COLS=8,vulkan:lanes.ROWS=4".
std::string setting(const std::string& row, const Values& values) {
    std::string text;
    for (const auto& [name, value] : values) text += fmt::format("{}{}.{}={}", text.empty() ? "" : ",", row, name, value);
    return text;
}

/// Kernels are made for the values in the environment, so a device is opened for each try.
Timing measure(const Options& o, const Job& job, const Truth& expected, const std::string& tuned, double& error) {
    setenv("REWIND_TUNE", tuned.c_str(), 1);
    const auto device = core::open(o.backend);
    error = error_of(*device, job, o.impl, expected);
    return Bench(*device, job, o.impl, false).measure({false, o.seconds, 5});
}

const core::KernelRow& row_of(const std::vector<core::KernelRow>& rows, const Options& o) {
    for (const core::KernelRow& row : rows)
        if (row.name == o.impl) return row;
    throw Error(Status::not_found, "--impl " + o.impl + ": no such implementation in shaders/" + ops::find(o.op).stem +
                                       ".kernels; the CPU's have nothing to tune");
}

void run(Options o) {
    const ops::Op& op = ops::find(o.op);
    const auto lines = test::case_lines(o.words, op.stem);
    if (lines.size() != 1) throw Error(Status::invalid_argument, "--case: one call is expected");
    const Job job{&op, test::Case(lines[0]).dims.text()};
    const Truth expected = truth(job);
    const char* before = std::getenv("REWIND_TUNE");
    if (before && *before)
        throw Error(Status::invalid_argument, "REWIND_TUNE is set; values are tried from the defaults, so unset it");
    double bound = 0;  // of the error of an output
    {
        const auto device = core::open(o.backend);
        const core::Sample sample(*device, op, job.example(), 1);
        const core::Walk walk = core::walk(*device, op, sample.call(), o.impl);
        if (!walk.chosen) {
            std::string why = "no kernel takes this call";
            for (const auto& line : walk.lines)
                if (o.impl.empty() || line.implementation == o.impl) why = line.implementation + ": " + line.reason;
            throw Error(Status::unsupported, why);
        }
        o.impl = walk.chosen->name();
        for (size_t a = 0; a < op.args.size(); ++a)
            if (op.args[a].written()) bound = std::max(bound, op.tolerance(sample.call(), int(a)));
    }
    const std::vector<core::KernelRow> rows = core::kernel_rows(op, o.impl.substr(0, o.impl.find(':')));
    const core::KernelRow& row = row_of(rows, o);
    if (row.tunes.empty()) {
        std::cout << o.impl << " of " << op.name << " has no tunes\n";
        return;
    }
    Table table({"tune", ">value", ">time", ">min", ">error"});
    double error = 0;
    Timing best = measure(o, job, expected, "", error);
    table.row({"defaults", "", duration(best.median), duration(best.min), scientific(error)});
    Values chosen;
    for (const core::KernelRow::Tune& tune : row.tunes) {
        Values kept = chosen;
        for (const int64_t value : tune.candidates) {
            Values tried = chosen;
            tried.emplace_back(tune.name, value);
            try {
                const Timing t = measure(o, job, expected, setting(o.impl, tried), error);
                table.row({tune.name, std::to_string(value), duration(t.median), duration(t.min), scientific(error)});
                if (t.min < best.min && error <= bound) best = t, kept = tried;
            } catch (const Error& e) {
                table.row({tune.name, std::to_string(value), "does not run", "", e.what()});
            }
        }
        chosen = kept;
    }
    table.print(std::cout);
    if (chosen.empty()) std::cout << "The defaults are the best of these.\n";
    else std::cout << "REWIND_TUNE=" << setting(o.impl, chosen) << "\n";
}

}  // namespace

void add_ops_tune(CLI::App& ops, int&) {
    CLI::App& verb = *ops.add_subcommand("tune", "The best values of a GPU kernel's tunes for a call on this device");
    auto o = std::make_shared<Options>();
    verb.add_option("op,--op", o->op, "The op")->required();
    verb.add_option("--backend", o->backend, "The device, e.g. vulkan:0")->required();
    verb.add_option("--impl", o->impl, "This implementation instead of the selected one");
    verb.add_option("--case", o->words, "The call, as a case line")->required();
    verb.add_option("--seconds", o->seconds, "Measure each at least this long")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 60.0));
    add_manual(verb, {.examples = {{"rewind ops tune GATED_DELTA_NET --backend vulkan:0 --case \"S=128 H_k=16 H_v=32 T=4 K=4\"",
                                    "tries every size that the kernel offers"}},
                      .environment = {{"REWIND_TUNE", "what was found goes there, as it is printed: vulkan:lanes.COLS=8,vulkan:lanes.ROWS=4"}}});
    verb.callback([o] { run(*o); });
}

}  // namespace rw::tools
