#include "core/select.h"

#include "core/log.h"
#include "core/messages.h"
#include "core/selftest.h"

namespace rw::core {

std::string Walk::text() const {
    std::string s;
    for (const Line& line : lines)
        s += "  " + line.implementation + ": " + (line.reason.empty() ? "taken" : line.reason) + "\n";
    return s;
}

Walk walk(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced) {
    Walk w;
    for (const Implementation* candidate : device.implementations(op.id)) {
        std::string reason;
        if (!forced.empty() && candidate->name() != forced) reason = why::not_forced;
        if (reason.empty()) reason = candidate->decline(call);
        if (reason.empty() && !selftest_passed(device, op, *candidate)) reason = why::selftest_failed;
        w.lines.push_back({candidate->name(), reason});
        if (!reason.empty()) continue;
        w.chosen = candidate;
        break;
    }
    return w;
}

const Implementation& select(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced) {
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
