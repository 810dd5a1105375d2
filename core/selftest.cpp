#include "core/selftest.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "core/log.h"
#include "core/sample.h"
#include "core/version.h"

namespace rw::core {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t seed = 20260921;

/// Verdicts of this process and of earlier ones: lines "pass|fail <key>" in one file.
class Verdicts {
public:
    Verdicts() {
        const char* xdg = std::getenv("XDG_CACHE_HOME");
        const char* home = std::getenv("HOME");
        if (xdg && *xdg)
            file_ = fs::path(xdg) / "rewind" / "selftest";
        else if (home && *home)
            file_ = fs::path(home) / ".cache" / "rewind" / "selftest";
        std::ifstream in(file_);
        for (std::string verdict, key; in >> verdict && std::getline(in >> std::ws, key);) known_[key] = verdict == "pass";
    }
    const bool* find(const std::string& key) const {
        const auto it = known_.find(key);
        return it == known_.end() ? nullptr : &it->second;
    }
    void keep(const std::string& key, bool pass) {
        known_[key] = pass;
        std::error_code ignored;  // a read-only home only costs the next process a second
        fs::create_directories(file_.parent_path(), ignored);
        std::ofstream(file_, std::ios::app) << (pass ? "pass " : "fail ") << key << "\n";
    }

private:
    fs::path file_;
    std::map<std::string, bool> known_;
};

/// Runs one listed call on both devices; the reason of a failure, or empty.
std::string compare(Device& device, Device& cpu, const ops::Op& op, const Implementation& impl, const char* text,
                    bool& ran) {
    const ops::Dims dims(text);
    const ops::Example example = op.example(dims);
    Sample here(device, op, example, seed);
    if (!impl.decline(here.call()).empty()) return "";
    ran = true;
    Sample there(cpu, op, example, seed);
    const auto run = [](Device& d, const ops::Call& call, const Implementation& i) {
        const auto recording = d.record({Step{call, &i}});
        recording->submit(), recording->wait();
    };
    const Implementation* oracle = nullptr;
    for (const Implementation* i : cpu.implementations(op.id))
        if (!oracle && i->decline(there.call()).empty()) oracle = i;
    if (!oracle) return "";
    run(device, here.call(), impl);
    run(cpu, there.call(), *oracle);
    for (size_t i = 0; i < op.args.size(); ++i) {
        if (!op.args[i].written()) continue;
        const double error = nmse(here.read(int(i)), there.read(int(i)));
        const double bound = 4 * op.tolerance(here.call(), int(i));  // both sides may be off by one tolerance
        if (!(error <= bound))
            return std::string(text) + ": " + op.args[i].name + ": NMSE " + std::to_string(error) + " against the CPU";
    }
    return "";
}

}  // namespace

bool selftest_passed(Device& device, const ops::Op& op, const Implementation& implementation) {
    const char* mode = std::getenv("REWIND_SELFTEST");
    if (!device.needs_selftest() || (mode && std::string_view(mode) == "0")) return true;
    static std::recursive_mutex mutex;
    static Verdicts verdicts;
    static std::map<std::string, bool> session;
    const std::lock_guard lock(mutex);
    const std::string key = std::string(version()) + "|" + device.fingerprint() + "|" + op.name + "|" + implementation.name();
    const bool forced = mode && std::string_view(mode) == "force";
    if (const auto it = session.find(key); it != session.end()) return it->second;
    if (const bool* known = verdicts.find(key); known && !forced) return session[key] = *known;

    const std::shared_ptr<Device> cpu = open("cpu");
    std::string problem;
    bool ran = false;
    try {
        for (const char* const* text = op.selftest; *text && problem.empty(); ++text)
            problem = compare(device, *cpu, op, implementation, *text, ran);
    } catch (const Error& e) {
        // Out of memory or a lost device says nothing about the kernel: fail this time, do not remember it.
        if (e.status == Status::device_lost || e.status == Status::out_of_memory) throw;
        problem = e.what();
    }
    log("selftest", key + ": " + (problem.empty() ? (ran ? "passed" : "no listed call fits") : problem));
    if (!problem.empty())
        warn(device.info().id + ": " + implementation.name() + " for " + op.name +
             " is wrong on this device and will not be used (" + problem + ")");
    verdicts.keep(key, problem.empty());
    return session[key] = problem.empty();
}

}  // namespace rw::core
