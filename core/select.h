// Choosing an implementation: the first one, in the device's order, that takes the call. Every refusal has a reason.
#pragma once

#include "core/device.h"

namespace rw::core {

struct Walk {
    struct Line {
        std::string implementation;
        std::string reason;  // empty: taken
    };
    std::vector<Line> lines;
    const Implementation* chosen = nullptr;
    std::string text() const;  // one line an implementation, for explain and REWIND_VERBOSE=dispatch
};

/// Walks the implementations without running anything but the self-test of kernels met for the first time.
/// `forced` restricts the walk to one name ("" = all).
Walk walk(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced = "");

/// walk(), or Error(unsupported) with the reasons of all that declined (not_found for a name nobody has).
const Implementation& select(Device& device, const ops::Op& op, const ops::Call& call, const std::string& forced = "");

}  // namespace rw::core
