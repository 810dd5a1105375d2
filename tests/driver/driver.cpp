#include "tests/driver/driver.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>

#include "core/device.h"
#include "tests/driver/case_run.h"

namespace rw::test {
namespace {

using Devices = std::vector<std::shared_ptr<core::Device>>;

/// True when this build has the backend and it is only the machine that has no device for it.
bool lacks_devices(const std::string& id) {
    const std::string name = id.substr(0, id.find(':'));
    for (const auto& backend : core::backends()) {
        std::string note;
        if (backend->name() == name) return backend->enumerate(note).empty();
    }
    return false;
}

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
            if (e.status != Status::not_found || !lacks_devices(id)) throw;
            report.note("note: " + std::string(e.what()) + "; its tests are left out");
        }
    }
    return devices;
}

using Ops = std::vector<const ops::Op*>;

/// Throws not_found for a check that no op has and for an implementation that no device has for any of the ops.
void names_exist(const Options& o, const Ops& wanted, const Devices& devices) {
    bool check = o.check.empty() || o.check == "reference", impl = o.impl.empty() || o.impl == selected || devices.empty();
    for (const ops::Op* op : wanted) {
        check = check || suite_of(*op).checks.count(o.check);
        for (const auto& device : devices)
            for (const core::Implementation* i : device->implementations(op->id)) impl = impl || i->name() == o.impl;
    }
    if (!check) throw Error(Status::not_found, "no check '" + o.check + "'; tests/README.md lists them");
    if (!impl)
        throw Error(Status::not_found, "no implementation '" + o.impl + "' on the devices asked for; see rewind ops list");
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

/// The same lines in steps of about 0.618 of their number: any beginning of the order is a fair sample of the list.
std::vector<std::string> spread(const std::vector<std::string>& lines) {
    const size_t n = lines.size();
    size_t step = std::max<size_t>(1, n * 618 / 1000);
    while (std::gcd(step, n) > 1) ++step;
    std::vector<std::string> order;
    for (size_t i = 0; i < n; ++i) order.push_back(lines[i * step % n]);
    return order;
}

void run_op(const ops::Op& op, const Options& o, const Devices& devices, Report& report) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<std::string> lines = lines_of(o, op);
    for (const std::string& line : o.seconds > 0 ? spread(lines) : lines) {
        if (o.seconds > 0 && std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > o.seconds) {
            report.add({op.name, o.backend, o.impl, line, Result::skipped, {"past the budget of --seconds"}, 0, 0});
            continue;
        }
        Finding bad{op.name, "", "", line, Result::failed, {}, 0, 0};
        try {
            CaseRun run(op, line, o.seed);
            if (!o.check.empty() && run.test().check != o.check) continue;
            for (const auto& device : devices) {
                bad.device = device->info().id;
                for (const Finding& f : run.on(device, o.impl)) report.add(f);
            }
        } catch (const Error& e) {  // the line itself, not an implementation
            bad.notes = {std::string(name_of(e.status)) + ": " + e.what()};
            report.add(bad);
        } catch (const std::exception& e) {  // values of a size that this machine does not hold, say
            bad.notes = {e.what()};
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
        Ops wanted;
        if (!o.op.empty()) wanted.push_back(&ops::find(o.op));
        else
            for (const ops::Op& op : ops::all()) wanted.push_back(&op);
        Report report(out, o.seed, o.verbose);
        report.note("seed " + std::to_string(o.seed));
        const Devices devices = open_devices(o.backend, report);
        names_exist(o, wanted, devices);
        for (const ops::Op* op : wanted) run_op(*op, o, devices, report);
        return report.finish();
    } catch (const Error& e) {
        out << "rewind ops test: " << e.what() << "\n0 passed, 0 failed" << std::endl;
        return 2;
    }
}

}  // namespace rw::test
