// rewind ops bench: checks once against the definition, then times. Figures only; nothing here passes or fails.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/select.h"
#include "core/version.h"
#include "tests/driver/cases.h"
#include "tests/driver/driver.h"
#include "tools/manual.h"
#include "tools/measure.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    std::string op, backend, impl, file, words, tier = "perf", json;
    bool cold = false, check = true, all = false;
    double seconds = 0.3;
};

std::vector<Job> jobs(const Options& o) {
    std::vector<Job> list;
    for (const ops::Op& op : ops::all()) {
        if (!o.op.empty() && op.id != ops::find(o.op).id) continue;
        std::string text = o.words;
        if (!o.file.empty()) {
            text = test::case_file(o.file);
        } else if (text.empty()) {
            text = std::string(test::tier_text(op.stem, o.tier));
        }
        for (const std::string& line : test::case_lines(text, op.stem)) list.push_back({&op, test::Case(line).dims.text()});
    }
    return list;
}

struct Target {
    std::shared_ptr<core::Device> device;
    double peak;
};

std::vector<Target> targets(const std::string& backends, std::vector<std::string>& notes) {
    std::vector<std::string> ids;
    if (backends.empty())
        for (const core::DeviceInfo& info : core::devices(&notes)) ids.push_back(info.id);
    std::istringstream rest(backends);
    for (std::string id; std::getline(rest, id, ',');) ids.push_back(id);
    std::vector<Target> list;
    for (const std::string& id : ids) {
        auto device = core::open(id);
        list.push_back({device, copy_peak(*device)});
    }
    return list;
}

/// The implementations to time for a job: the forced one, the selected one, or all that take the call.
std::vector<std::string> implementations(core::Device& device, const Job& job, const Options& o, std::string& why) {
    const core::Sample sample(device, *job.op, job.example(), 1);
    ops::validate(*job.op, sample.call());
    std::vector<std::string> list;
    if (o.all && o.impl.empty()) {
        for (const core::Implementation* i : device.implementations(job.op->id))
            if (core::walk(device, *job.op, sample.call(), i->name()).chosen) list.push_back(i->name());
    } else {
        const core::Walk walk = core::walk(device, *job.op, sample.call(), o.impl);
        if (walk.chosen) list.push_back(walk.chosen->name());
        for (const core::Walk::Line& line : walk.lines)  // a forced one's own reason, else everybody's
            if (o.impl.empty() || line.implementation == o.impl)
                why += (why.empty() ? "" : "; ") + line.implementation + ": " + line.reason;
        if (why.empty()) why = o.impl.empty() ? "no implementation on this device" : "has no " + o.impl;
    }
    return list;
}

/// A name that no device has for any of the ops would be skipped everywhere.
void check_implementation(const std::string& name, const std::vector<Job>& jobs, const std::vector<Target>& at) {
    for (const Job& job : jobs)
        for (const Target& t : at)
            for (const core::Implementation* i : t.device->implementations(job.op->id))
                if (i->name() == name) return;
    throw Error(Status::not_found, "--impl " + name + ": no such implementation; `rewind ops list` has the names");
}

class Report {
public:
    explicit Report(bool cold)
        : table_({"op", "case", "device", "implementation", ">time", ">min", ">GB/s", ">of copy", ">Gflop/s", ">error"}),
          cold_(cold) {}

    void add(const Target& at, const Job& job, const Bench& bench, const Timing& t, double error, bool checked) {
        const ops::Cost cost = bench.cost();
        const double speed = cost.bytes / t.median;
        table_.row({job.op->name, job.words, at.device->info().id, bench.implementation(), duration(t.median),
                    duration(t.min), rate(speed), percent(speed / at.peak), rate(cost.flops / t.median),
                    checked ? scientific(error) : "–"});
        nlohmann::json row{{"op", job.op->name}, {"case", job.words}, {"device", at.device->info().id},
                           {"implementation", bench.implementation()}, {"seconds", t.median}, {"seconds_min", t.min},
                           {"seconds_wall", t.wall}, {"runs", t.runs}, {"bytes", cost.bytes}, {"flops", cost.flops},
                           {"bytes_per_second", speed}, {"copy_bytes_per_second", at.peak},
                           {"copy_share", speed / at.peak}, {"flops_per_second", cost.flops / t.median},
                           {"cold", cold_}, {"buffer_sets", bench.copies()}};
        row["nmse"] = checked ? nlohmann::json(error) : nlohmann::json();
        rows_.push_back(std::move(row));
    }
    void skip(const Target& at, const Job& job, const std::string& why) {
        table_.row({job.op->name, job.words, at.device->info().id, "none"});
        rows_.push_back({{"op", job.op->name}, {"case", job.words}, {"device", at.device->info().id}, {"skipped", why}});
        notes_.push_back(why);
    }
    void print(std::ostream& out) const {
        table_.print(out);
        for (const std::string& note : notes_) out << "note: " << note << "\n";
    }
    void write(const std::string& path, const std::vector<Target>& at) const {
        nlohmann::json root{{"version", core::version()}, {"devices", nlohmann::json::array()}, {"results", rows_}};
        for (const Target& t : at) {
            const core::DeviceInfo& info = t.device->info();
            root["devices"].push_back({{"id", info.id}, {"name", info.name}, {"driver", info.driver},
                                       {"software", info.is_software}, {"copy_bytes_per_second", t.peak}});
        }
        std::ofstream out(path);
        out << root.dump(1) << "\n";
        if (!out.flush()) throw Error(Status::io, "--json " + path + ": cannot be written");
    }

private:
    Table table_;
    nlohmann::json rows_ = nlohmann::json::array();
    std::vector<std::string> notes_;
    bool cold_;
};

int run(const Options& o) {
    if (o.op.empty() && (!o.file.empty() || !o.words.empty()))
        throw Error(Status::invalid_argument, "--cases and --case need --op");
    const std::vector<Job> list = jobs(o);
    if (list.empty())
        throw Error(Status::not_found, o.file.empty() ? "no cases in tier '" + o.tier + "' for this choice of ops"
                                                      : "--cases " + o.file + ": has no cases");
    std::vector<std::string> notes;
    const std::vector<Target> at = targets(o.backend, notes);
    for (const Target& t : at)
        std::cout << t.device->info().id << ": " << t.device->info().name << ", copies " << rate(t.peak) << " GB/s\n";
    for (const std::string& note : notes) std::cout << "note: " << note << "\n";
    std::cout << std::endl;
    if (!o.impl.empty()) check_implementation(o.impl, list, at);
    Report report(o.cold);
    for (const Job& job : list) {
        Truth expected;
        bool checked = false;
        for (const Target& t : at) {
            std::string why;
            const auto names = implementations(*t.device, job, o, why);
            if (names.empty()) report.skip(t, job, std::string(job.op->name) + " on " + t.device->info().id + ": " + why);
            for (const std::string& name : names) {
                Bench bench(*t.device, job, name, o.cold);
                if (!checked && o.check && bench.cost().flops <= truth_limit) expected = truth(job), checked = true;
                const double error = checked ? error_of(*t.device, job, name, expected) : 0;
                report.add(t, job, bench, bench.measure({o.cold, o.seconds, 5}), error, checked);
            }
        }
    }
    report.print(std::cout);
    if (!o.json.empty()) report.write(o.json, at);
    return 0;
}

}  // namespace

void add_ops_bench(CLI::App& ops, int& status) {
    CLI::App& verb = *ops.add_subcommand("bench", "Time, GB/s and share of the device's copy speed");
    auto o = std::make_shared<Options>();
    verb.add_option("op,--op", o->op, "Only this op");
    verb.add_option("--backend", o->backend, "Devices, e.g. cpu or vulkan:0,opencl (default: all)");
    verb.add_option("--impl", o->impl, "This implementation instead of the selected one");
    verb.add_flag("--all-impls", o->all, "Every implementation that takes the case");
    CLI::Option* file = verb.add_option("--cases", o->file, "File of case lines (needs --op)");
    CLI::Option* one = verb.add_option("--case", o->words, "Case line (needs --op)")->excludes(file);
    verb.add_option("--tier", o->tier, "Tier of tests/cases (default perf)")->excludes(file)->excludes(one);
    verb.add_flag("--cold", o->cold, "Rotate over copies of the buffers that together exceed the caches");
    verb.add_flag("!--no-check", o->check, "Do not compare with the definition first");
    verb.add_option("--seconds", o->seconds, "Measure at least this long (default 0.3)")->check(CLI::Range(0.0, 3600.0));
    verb.add_option("--json", o->json, "Write the results to this file");
    add_manual(verb, {.examples = {{"rewind ops bench GATED_DELTA_NET --backend cpu --case \"S=128 H_k=16 H_v=32 T=1 B=8\"", "one call"},
                                   {"rewind ops bench --op MUL_MAT --all-impls --cold --json results.json",
                                    "every implementation, from memory rather than caches"}},
                      .status = {{"1", "a result was wrong, or a case could not be run"}}});
    verb.callback([o, one, &status] {
        if (one->count() && o->words.find_first_not_of(" \t") == std::string::npos)
            throw Error(Status::invalid_argument, "--case: is empty; expected words like S=128 T=4");
        status = run(*o);
    });
}

}  // namespace rw::tools
