// The sequences of a round, as each one's controller sees the others.
#pragma once

#include <span>
#include <vector>

#include "runtime/spec/controller.h"

namespace rw::spec {

/// What a sequence is expected to do.
struct Member {
    std::string who;         // drafts
    double tokens = 1, drafts = 0;
    int asked = 0;           // tokens that it may draft
    const Controller* controller = nullptr;  // that chose them as its best
};

/// The other members, as the one at `one` sees them.
Others others_of(std::span<const Member> members, size_t one, const RoundCosts& costs);
/// Shortens drafts that are longer than what pays for all: drafting takes as long as its longest draft.
void level(std::span<Member> members, const RoundCosts& costs);

}  // namespace rw::spec
