// Characters as bytes: which sequences of byte ranges are the UTF-8 of a range of characters.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/grammar/expression.h"

namespace rw::grammar {

struct ByteRange {
    uint8_t first, last;
    auto operator<=>(const ByteRange&) const = default;
};
struct ByteSequence {
    std::array<ByteRange, 4> ranges{};
    int size = 0;
};

/// Each character of the span, which has no surrogates, is in just one of the sequences appended.
void append_utf8_ranges(Span span, std::vector<ByteSequence>& out);

}  // namespace rw::grammar
