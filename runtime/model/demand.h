// What the plans of a context take besides its tensors, found before anything is allocated.
//
// A call's shape says which kernels run it and what memory these work in, so that the shapes of all calls that a context
// can be asked for say what it needs. All of its plans share one such area: no two run at the same time.
#pragma once

#include "runtime/model/forward.h"
#include "runtime/model/options.h"

namespace rw::model {

/// The shapes that need the most of every tensor: of an exact call, of a prompt's, of a draft.
std::vector<Shape> largest_shapes(const Options& options, bool mtp);

struct Demand {
    uint64_t scratch = 0;  // bytes that kernels work in: the most that any call needs
    uint64_t plan = 0;     // bytes of the largest plan itself
};

/// forward and lanes: of a Memory that measures, for the largest shapes.
Demand demand_of(core::Device& device, const Forward& forward, std::span<Lane> lanes, const Options& options);

}  // namespace rw::model
