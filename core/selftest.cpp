#include "core/selftest.h"

#include <cstdlib>
#include <map>
#include <mutex>

#include "core/log.h"
#include "core/sample.h"
#include "core/switches.h"
#include "core/verdicts.h"
#include "core/version.h"

namespace rw::core {
namespace {

constexpr uint64_t seed = 20260921;
/// Listed calls that one implementation is tried with: each costs a driver seconds of compiling.
constexpr int most_calls = 2;

std::string setting(const char* name) {
    const char* text = std::getenv(name);
    return text ? text : "";
}

/// The CPU's first choice for the call; null when it takes none.
const Implementation* oracle_of(Device& cpu, const ops::Op& op, const ops::Call& call) {
    for (const Implementation* i : cpu.implementations(op.id))
        if (i->decline(call).empty()) return i;
    return nullptr;
}

void run(Device& device, const ops::Call& call, const Implementation& implementation) {
    const auto recording = device.record({Step{call, &implementation}}, nullptr);
    recording->submit(), recording->wait();
}

bool takes(const Implementation& implementation, const ops::Call& call) {
    if (implementation.decline(call).empty()) return true;
    const auto* large = dynamic_cast<const ForLargeTensors*>(&implementation);
    return large && large->decline_if_large(call).empty();
}

/// Runs one listed call on both devices, and counts it; the reason of a failure, or empty.
std::string compare(Device& device, Device& cpu, const ops::Op& op, const Implementation& impl, const char* text, int& ran) {
    const ops::Example example = op.example(ops::Dims(text));
    Sample here(device, op, example, seed);
    if (!takes(impl, here.call())) return "";
    Sample there(cpu, op, example, seed);
    const Implementation* oracle = oracle_of(cpu, op, there.call());
    if (!oracle) return "";
    ++ran;
    run(device, here.call(), impl);
    run(cpu, there.call(), *oracle);
    for (size_t i = 0; i < op.args.size(); ++i) {
        if (!op.args[i].written() || !here.call().arg[i]) continue;
        const double error = nmse(here.read(int(i)), there.read(int(i)));
        const double bound = 4 * op.tolerance(here.call(), int(i));  // both sides may be off by one tolerance
        if (!(error <= bound))
            return std::string(text) + ": " + op.args[i].name + ": NMSE " + std::to_string(error) + " against the CPU";
    }
    return "";
}

/// Compares on the first listed calls that the implementation takes.
std::string compare_all(Device& device, const ops::Op& op, const Implementation& impl, int& ran) {
    const std::shared_ptr<Device> cpu = open("cpu");
    std::string problem;
    try {
        for (const char* const* text = op.selftest; *text && problem.empty() && ran < most_calls; ++text)
            problem = compare(device, *cpu, op, impl, *text, ran);
    } catch (const Error& e) {
        // Out of memory or a lost device says nothing about the kernel: fail this time, do not remember it.
        if (e.status == Status::device_lost || e.status == Status::out_of_memory) throw;
        problem = e.what();
    }
    return problem;
}

/// One at a time on a device: what this process knows, and the lock that a thread holds while it finds out.
struct Session {
    std::mutex mutex;
    std::map<std::string, bool> passed;
};

Session& session_of(const std::string& fingerprint) {
    static std::mutex mutex;
    static std::map<std::string, Session> sessions;
    const std::lock_guard lock(mutex);
    return sessions[fingerprint];
}

}  // namespace

SelftestMode selftest_mode() {
    const std::string word = setting("REWIND_SELFTEST");
    if (word.empty() || word == "1") return SelftestMode::cached;
    if (word == "0") return SelftestMode::off;
    if (word == "force") return SelftestMode::force;
    throw Error(Status::invalid_argument, "REWIND_SELFTEST=" + word + ": expected 0 (trust every kernel), 1 (test once and "
                                          "remember) or force (test again)");
}

bool selftest_passed(Device& device, const ops::Op& op, const Implementation& implementation) {
    if (!device.needs_selftest()) return true;
    const SelftestMode mode = selftest_mode();
    if (mode == SelftestMode::off) return true;
    static Verdicts verdicts;
    const std::string fingerprint = device.fingerprint();
    // Kernels of a developer's own are not those the file speaks of, nor may it remember them.
    const std::string own = setting("REWIND_KERNEL_DIR") + "|" + setting("REWIND_TUNE");
    const bool embedded = own == "|";
    const std::string key = std::string(version()) + "|" + fingerprint + "|" + op.name + "|" + implementation.name();
    const std::string what = device.info().id + ": " + implementation.name() + " for " + op.name;
    const std::string advice = embedded ? "; remembered in " + verdicts.file().string() + ", REWIND_SELFTEST=force tests again" : "";

    Session& session = session_of(fingerprint);
    const std::lock_guard lock(session.mutex);
    const std::string session_key = key + "|" + own;
    if (const auto it = session.passed.find(session_key); it != session.passed.end()) return it->second;
    if (const auto known = verdicts.find(key); known && embedded && mode != SelftestMode::force) {
        if (!*known) warn(what + " was wrong on this device before and will not be used" + advice);
        return session.passed[session_key] = *known;
    }

    log("selftest", what + ": comparing with the CPU; its kernels are compiled first, which can take seconds");
    int ran = 0;
    const std::string problem = compare_all(device, op, implementation, ran);
    const bool pass = problem.empty();
    if (!pass) warn(what + " is wrong on this device and will not be used (" + problem + ")" + advice);
    else if (ran == 0) warn(what + " is used untested: none of the self-test's calls fits it");
    else log("selftest", what + ": passed");
    if (embedded && (ran > 0 || !pass)) verdicts.keep(key, pass);
    return session.passed[session_key] = pass;
}

}  // namespace rw::core
