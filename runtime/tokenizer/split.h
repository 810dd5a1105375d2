// Pre-tokenizers: how a text is cut into pieces, within which pairs are merged. At each place the first of these that
// matches is the piece:
//
//     '  then  s t m d re ve ll                 in either case
//     one character that is no letter, number, CR or LF, if it is there; then letters
//     one number
//     a space, if it is there; then characters that are no space, letter or number; then CRs and LFs
//     spaces up to the last CR or LF among them
//     spaces; when something else follows, all but the last of them, if that leaves any
//
// Combining marks count as letters for qwen35 and as neither letters nor numbers for qwen2. Space is White_Space, letter,
// mark and number are the categories L, M and N. Bytes that are not UTF-8 are characters without a category.
//
// Every piece is found by one walk forward, without recursion and without going back, save that spaces after the last
// line break are looked at twice: time is linear in the text whatever it is.
#pragma once

#include <cstddef>
#include <string_view>

namespace rw::tokenizer {

enum class Rules { qwen2, qwen35 };

/// The end of the piece that starts at byte `at` < text.size(); always greater than `at`.
size_t piece_end(Rules rules, std::string_view text, size_t at);

}  // namespace rw::tokenizer
