#include "runtime/grammar/utf8_ranges.h"

#include <algorithm>

namespace rw::grammar {
namespace {

/// Both ends have the same number of bytes. Cut until either all of the lower six bits are free or only they differ.
void append_same_length(Span span, std::vector<ByteSequence>& out) {
    std::string first, last;
    append_utf8(span.first, first), append_utf8(span.last, last);
    for (int low = 6; low <= 6 * (int(first.size()) - 1); low += 6) {
        const char32_t mask = (char32_t(1) << low) - 1;
        if ((span.first & ~mask) == (span.last & ~mask)) break;
        if (span.first & mask) {
            append_same_length({span.first, span.first | mask}, out);
            return append_same_length({(span.first | mask) + 1, span.last}, out);
        }
        if ((span.last & mask) != mask) {
            append_same_length({span.first, (span.last & ~mask) - 1}, out);
            return append_same_length({span.last & ~mask, span.last}, out);
        }
    }
    ByteSequence sequence;
    for (size_t i = 0; i < first.size(); ++i) sequence.ranges[i] = {uint8_t(first[i]), uint8_t(last[i])};
    sequence.size = int(first.size());
    out.push_back(sequence);
}

}  // namespace

void append_utf8_ranges(Span span, std::vector<ByteSequence>& out) {
    constexpr char32_t longest[] = {0x7F, 0x7FF, 0xFFFF, last_character};  // character of so many bytes
    for (const char32_t end : longest) {
        if (span.first > end || span.first > span.last) continue;
        append_same_length({span.first, std::min(span.last, end)}, out);
        span.first = end + 1;
    }
}

}  // namespace rw::grammar
