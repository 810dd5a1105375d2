// Where a prompt is cut into calls: at multiples of a chunk and where messages begin, by its own tokens alone, so that
// the same prompt has the same bits whoever else runs, and prompts that begin alike have the same states at their cuts.
//
// A message that begins right behind a cut makes none: a call of a few tokens costs nearly what one of many does, and a
// prompt of nothing but message starts would be run token by token.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace rw::sequence {

/// The fewest tokens between a cut and where a message begins, for this to be one too.
constexpr int64_t fewest_between(int64_t chunk) { return std::min<int64_t>(32, chunk / 4); }

/// The ends of its calls, the last of them its own end. message_start: the token that begins a message, or -1.
inline std::vector<int64_t> prompt_cuts(std::span<const int32_t> prompt, int64_t chunk, int32_t message_start) {
    std::vector<int64_t> cuts;
    const int64_t size = int64_t(prompt.size()), fewest = fewest_between(chunk);
    for (int64_t at = 1, last = 0; at <= size; ++at) {
        const bool begins = at < size && message_start >= 0 && prompt[size_t(at)] == message_start;
        if (at == size || at % chunk == 0 || (begins && at - last >= fewest)) cuts.push_back(last = at);
    }
    return cuts;
}

}  // namespace rw::sequence
