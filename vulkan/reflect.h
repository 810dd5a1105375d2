// What a SPIR-V module says about itself, so that nothing in it has to be repeated by hand on the host.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace rw::vulkan {

struct Reflection {
    std::map<std::string, uint32_t> constants;      // specialisation constants by name: constant_id
    std::vector<uint32_t> bindings;                 // buffers of set 0, ascending; 0 is the parameter block
    std::array<uint32_t, 3> local{1, 1, 1};         // work-group size as compiled
    std::array<int64_t, 3> local_id{-1, -1, -1};    // constant_id of each dimension, -1 when fixed
    bool push_constants = false;                    // the token range is read
    bool subgroups = false;                         // uses subgroup operations
    bool addresses = false;                         // reaches tensors by device address
};

/// Throws Error(internal) for words that are not SPIR-V.
Reflection reflect(std::span<const uint32_t> words);

}  // namespace rw::vulkan
