#include "tests/driver/driver.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/device.h"
#include "tests/driver/report.h"
#include "tests/driver/suite.h"

namespace rw::test {
namespace {

using Clock = std::chrono::steady_clock;
using Devices = std::vector<std::shared_ptr<core::Device>>;

Devices open_devices(const std::string& wanted, Report& report) {
    std::vector<std::string> ids, notes;
    std::istringstream words(wanted);
    for (std::string id; std::getline(words, id, ',');) ids.push_back(id);
    const std::vector<core::DeviceInfo> present = core::devices(&notes);
    if (ids.empty()) {
        for (const core::DeviceInfo& info : present) ids.push_back(info.id);
        for (const std::string& n : notes) report.note("note: " + n);
    }
    Devices devices;
    for (const std::string& id : ids) {
        try {
            devices.push_back(core::open(id));
            const core::DeviceInfo& info = devices.back()->info();
            report.note("device " + info.id + ": " + info.name + " (" + info.driver + ")");
        } catch (const Error& e) {
            if (e.status != Status::not_found) throw;
            report.note("note: " + std::string(e.what()) + "; its tests are left out");
        }
    }
    return devices;
}

std::vector<std::string> lines_of(const Options& o, const ops::Op& op) {
    if (!o.one.empty()) return expand(o.one);
    if (o.cases.empty()) return case_lines(tier_text(op.stem, o.tier), op.stem);
    std::ifstream in(o.cases);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) throw Error(Status::io, "cannot read the case file " + o.cases);
    return case_lines(text.str(), op.stem);
}

/// One case on every device; what does not depend on the device is computed once.
class CaseRun {
public:
    CaseRun(const ops::Op& op, const Options& options, Report& report, const std::string& line)
        : op_(op), options_(options), report_(report), test_(line) {}

    const Case& test() const { return test_; }

    void on(const std::shared_ptr<core::Device>& device) {
        const Inputs in = inputs();
        int ran = 0;
        std::string refusals;
        const auto candidates = device->implementations(op_.id);
        for (const core::Implementation* i : candidates) {
            if (!options_.impl.empty() && i->name() != options_.impl) continue;
            const std::string reason = i->decline(in.shape());
            if (!reason.empty() && test_.check == "reference") {
                refusals += (refusals.empty() ? "" : "; ") + i->name() + ": " + reason;
                continue;
            }
            one(device, i->name(), in), ++ran;
        }
        if (ran) return;
        // No implementation at all: the op does not exist there yet. Some, but none for this case: a gap.
        Finding f = finding(*device, "");
        f.result = candidates.empty() || !options_.impl.empty() ? Result::skipped : Result::failed;
        if (candidates.empty()) f.notes.push_back("no implementation");
        else f.notes.push_back(refusals.empty() ? "no implementation " + options_.impl : "declined: " + refusals);
        report_.add(f);
    }

    Finding finding(const core::Device& device, const std::string& implementation) const {
        return {op_.name, device.info().id, implementation, test_.line, Result::passed, {}, 0, 0};
    }

private:
    Inputs inputs() const {
        const ops::Example example = op_.example(test_.dims);
        test_.dims.all_read();
        Inputs in(op_, example, options_.seed, test_.align);
        ops::validate(op_, in.shape());
        return in;
    }

    void one(const std::shared_ptr<core::Device>& device, const std::string& implementation, const Inputs& in) {
        Finding f = finding(*device, implementation);
        const auto start = Clock::now();
        Lab lab(op_, suite_of(op_), test_, options_.seed, device, implementation);
        try {
            if (test_.check == "reference") against_reference(lab, in);
            else checker()(lab), lab.judge_trust();
            f.result = !lab.problems.empty() ? Result::failed
                       : !lab.mistrust.empty() && lab.mistrust != test_.expect ? Result::mistrusted
                                                                               : Result::passed;
            f.notes = lab.problems;
            if (f.result == Result::mistrusted) f.notes = {"could not have failed: the expectation is all " + lab.mistrust};
        } catch (const Declined& e) {
            f.result = Result::skipped, f.notes = {std::string("check=") + test_.check + ": " + e.what()};
        } catch (const Error& e) {
            f.result = e.status == Status::out_of_memory ? Result::skipped : Result::failed;
            f.notes = {std::string(name_of(e.status)) + ": " + e.what()};
        }
        f.worst = lab.worst;
        f.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        report_.add(f);
    }

    const Check& checker() const {
        const auto& checks = suite_of(op_).checks;
        const auto it = checks.find(test_.check);
        if (it != checks.end()) return it->second;
        std::string names = "reference";
        for (const auto& [name, check] : checks) names += ", " + name;
        throw Error(Status::not_found, "check=" + test_.check + ": " + op_.name + " has the checks " + names);
    }

    void against_reference(Lab& lab, const Inputs& in) {
        if (!want_) want_ = expected(in);
        Outcome got = lab.run(in, want_->fault != 0);
        lab.compare_all(*want_, in, got);
        if (want_->fault) {
            std::string message;
            try {
                core::throw_fault(want_->fault);
            } catch (const Error& e) {
                message = e.what();
            }
            if (!got.faulted) lab.fail("no fault was raised; expected: " + message);
            else if (got.fault != message) lab.fail("the fault was '" + got.fault + "', expected '" + message + "'");
        }
        if (first_) against_first(lab, in, got);
        else first_ = std::move(got), first_name_ = lab.implementation;
    }

    /// Two implementations that are both within tolerance of the definition differ by at most four tolerances (NMSE is
    /// a square). The first one to run, on the CPU when it takes part, is what the others are held against.
    void against_first(Lab& lab, const Inputs& in, const Outcome& got) {
        const ops::Call call = in.shape();
        for (size_t i = 0; i < op_.args.size(); ++i) {
            if (!op_.args[i].written() || !in.has(int(i))) continue;
            const Verdict v = compare({op_.args[i].name + (" against " + first_name_), &first_->value[i],
                                       &want_->written[i], &got.value[i], nullptr, false,
                                       4 * op_.tolerance(call, int(i)), grouping_of(lab.suite, op_, call, int(i))});
            for (const std::string& p : v.problems) lab.fail(p);
        }
    }

    const ops::Op& op_;
    const Options& options_;
    Report& report_;
    const Case test_;
    std::optional<Expected> want_;
    std::optional<Outcome> first_;
    std::string first_name_;
};

void run_op(const ops::Op& op, const Options& o, const Devices& devices, Report& report) {
    for (const std::string& line : lines_of(o, op)) {
        Finding bad{op.name, "", "", line, Result::failed, {}, 0, 0};
        try {
            CaseRun run(op, o, report, line);
            if (!o.check.empty() && run.test().check != o.check) continue;
            for (const auto& device : devices) {
                bad.device = device->info().id;
                run.on(device);
            }
        } catch (const Error& e) {  // the line itself, not an implementation
            bad.notes = {std::string(name_of(e.status)) + ": " + e.what()};
            report.add(bad);
        }
    }
}

}  // namespace

int run_ops_test(const Options& o) {
    std::ostream& out = o.out ? *o.out : std::cout;
    try {
        if (o.op.empty() && !(o.one.empty() && o.cases.empty()))
            throw Error(Status::invalid_argument, "--case and --cases need --op");
        std::vector<const ops::Op*> wanted;
        if (!o.op.empty()) wanted.push_back(&ops::find(o.op));
        else
            for (const ops::Op& op : ops::all()) wanted.push_back(&op);
        Report report(out, o.seed, o.verbose);
        report.note("seed " + std::to_string(o.seed));
        const Devices devices = open_devices(o.backend, report);
        for (const ops::Op* op : wanted) run_op(*op, o, devices, report);
        return report.finish();
    } catch (const Error& e) {
        out << "rewind ops test: " << e.what() << "\n0 passed, 0 failed" << std::endl;
        return 2;
    }
}

}  // namespace rw::test
