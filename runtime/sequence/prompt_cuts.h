// Where a prompt is cut into calls: at multiples of a chunk and where messages begin, by its own tokens alone, so that
// the same prompt has the same bits whoever else runs, and prompts that begin alike have the same states at their cuts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rw::sequence {

/// The ends of its calls, the last of them its own end. message_start: the token that begins a message, or -1.
inline std::vector<int64_t> prompt_cuts(std::span<const int32_t> prompt, int64_t chunk, int32_t message_start) {
    std::vector<int64_t> cuts;
    const int64_t size = int64_t(prompt.size());
    for (int64_t at = 1; at <= size; ++at)
        if (at == size || at % chunk == 0 || (message_start >= 0 && prompt[size_t(at)] == message_start)) cuts.push_back(at);
    return cuts;
}

}  // namespace rw::sequence
