// Characters of UTF-8 text, the classes that pre-tokenizers tell apart, and the two things that are done to whole texts.
// What Unicode says comes from ICU.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rw::tokenizer {

/// newline: CR and LF alone; space: everything else that is white space.
enum class Kind : uint8_t { letter, mark, number, newline, space, other };

struct Character {
    int32_t code;  // negative: bytes that are no character
    Kind kind;     // other for those
    uint8_t bytes;
};
/// The character that starts at byte `at` < text.size(). What is not well-formed is cut as U+FFFD would replace it.
Character character_at(std::string_view text, size_t at);

/// Bytes at the end of the text, three at most, that more bytes could make a character.
size_t unfinished_tail(std::string_view text);
/// Each ill-formed sequence replaced by U+FFFD.
std::string well_formed(std::string_view text);
/// Normalisation form C. Text that is not well-formed keeps its ill-formed bytes where they are.
std::string composed(std::string_view text);

}  // namespace rw::tokenizer
