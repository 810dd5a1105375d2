#include "core/select.h"

#include "core/log.h"
#include "core/messages.h"
#include "core/selftest.h"
#include "core/switches.h"

namespace rw::core {

std::string Walk::text() const {
    std::string s;
    for (const Line& line : lines)
        s += "  " + line.implementation + ": " + (line.reason.empty() ? "taken" : line.reason) + "\n";
    return s;
}

namespace {

bool trusted(Device& device, const ops::Op& op, const Implementation& candidate) {
    if (candidate.proven) return true;
    if (!selftest_passed(device, op, candidate)) return false;
    candidate.proven = !device.needs_selftest() || selftest_mode() != SelftestMode::off;
    return true;
}

/// Why the call is not for this candidate; empty when it is.
std::string refusal(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced,
                    const Implementation& candidate) {
    if (!forced.empty() && candidate.name() != forced) return why::not_forced;
    if (std::string reason = candidate.decline(call); !reason.empty()) return reason;
    return trusted(device, op, candidate) ? "" : why::selftest_failed;
}

}  // namespace

Walk walk(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced) {
    Walk w;
    for (const Implementation* candidate : device.implementations(op.id)) {
        w.lines.push_back({candidate->name(), refusal(device, op, call, forced, *candidate)});
        if (!w.lines.back().reason.empty()) continue;
        w.chosen = candidate;
        break;
    }
    return w;
}

const Implementation& select(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced) {
    if (!verbose("dispatch"))  // no words for nobody: a plan's update comes this way
        for (const Implementation* candidate : device.implementations(op.id))
            if (refusal(device, op, call, forced, *candidate).empty()) return *candidate;
    const Walk w = walk(device, op, call, forced);
    if (verbose("dispatch")) log("dispatch", std::string(op.name) + " on " + device.info().id + "\n" + w.text());
    if (w.chosen) return *w.chosen;
    bool known = forced.empty();
    for (const Walk::Line& line : w.lines) known = known || line.implementation == forced;
    if (!known)
        throw Error(Status::not_found, std::string(op.name) + ": " + device.info().id + " has no implementation '" +
                                           forced + "'; there are:\n" + w.text());
    throw Error(Status::unsupported,
                std::string(op.name) + ": no implementation on " + device.info().id + " takes this call:\n" + w.text());
}

}  // namespace rw::core
