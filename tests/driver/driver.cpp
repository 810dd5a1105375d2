#include "tests/driver/driver.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "core/device.h"
#include "tests/driver/case_run.h"

namespace rw::test {
namespace {

/// Checks take and return buffers of megabytes thousands of times: the kernel is not to map and clear each anew.
void keep_memory() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 25), mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

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

/// Throws not_found for a check that no op has.
void check_check(const std::string& check) {
    bool known = check.empty() || check == "reference";
    for (const ops::Op& op : ops::all()) known = known || suite_of(op).checks.count(check);
    if (!known) throw Error(Status::not_found, "--check " + check + ": no op has this check; tests/README.md lists them");
}

/// Throws not_found for an implementation that none of the devices has: it would only be skipped, everywhere.
void check_implementation(const std::string& impl, const Ops& wanted, const Devices& devices) {
    if (impl.empty() || impl == selected || devices.empty()) return;
    std::string names;
    for (const auto& device : devices)
        for (const ops::Op* op : wanted)
            for (const core::Implementation* i : device->implementations(op->id)) {
                if (i->name() == impl) return;
                if ((names + ",").find(" " + i->name() + ",") == names.npos) names += (names.empty() ? " " : ", ") + i->name();
            }
    throw Error(Status::not_found, "--impl " + impl + ": no such implementation; there are:" + names);
}

std::vector<std::string> lines_of(const Options& o, const ops::Op& op) {
    if (!o.one.empty()) return case_lines(o.one, op.stem);
    return case_lines(o.cases.empty() ? tier_text(op.stem, o.tier) : case_file(o.cases), op.stem);
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

/// Returns how many lines there were for it.
size_t run_op(const ops::Op& op, const Options& o, const Devices& devices, Report& report) {
    size_t count = 0;
    const auto start = std::chrono::steady_clock::now();
    const std::vector<std::string> lines = lines_of(o, op);
    for (const std::string& line : o.seconds > 0 ? spread(lines) : lines) {
        ++count;
        if (o.seconds > 0 && std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > o.seconds) {
            report.add({op.name, o.backend, o.impl, line, Result::skipped, {"past the budget of --seconds"}, 0, 0});
            continue;
        }
        Finding bad{op.name, "", "", line, Result::failed, {}, 0, 0};
        try {
            CaseRun run(op, line, o.seed);
            if (!o.check.empty() && run.test().check != o.check) {
                --count;
                continue;
            }
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
    return count;
}

}  // namespace

std::string case_file(const std::string& path) {
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed))
        throw Error(Status::io, "--cases " + path + ": cannot be read: it is a folder; expected a file of case lines");
    std::ifstream in(path);
    std::ostringstream text;
    if (!in || (in.peek() != std::ifstream::traits_type::eof() && !(text << in.rdbuf())))
        throw Error(Status::io, "--cases " + path + ": cannot be read; expected a file of case lines");
    return text.str();
}

int run_ops_test(const Options& o) {
    std::ostream& out = o.out ? *o.out : std::cout;
    keep_memory();
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
        check_check(o.check), check_implementation(o.impl, wanted, devices);
        size_t lines = 0;
        for (const ops::Op* op : wanted) lines += run_op(*op, o, devices, report);
        if (lines == 0 && o.check.empty()) throw Error(Status::invalid_argument, "there are no cases to run");
        return report.finish();
    } catch (const Error& e) {
        out << "rewind ops test: " << e.what() << "\n0 passed, 0 failed" << std::endl;
        return 2;
    }
}

}  // namespace rw::test
