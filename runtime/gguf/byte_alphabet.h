// The spelling of bytes in a byte-level BPE vocabulary: 188 printable bytes of Latin-1 stand for themselves, the other
// 68 in order for U+0100 .. U+0143, so that every token is readable text without spaces.
#pragma once

#include <cstdint>
#include <string>

namespace rw::gguf {

constexpr bool spells_itself(uint32_t byte) {
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

/// The code point that stands for the byte.
constexpr uint32_t byte_letter(uint32_t byte) {
    if (spells_itself(byte)) return byte;
    uint32_t others = 0;
    for (uint32_t b = 0; b < byte; ++b) others += !spells_itself(b);
    return 0x100 + others;
}

/// The same as UTF-8.
inline std::string spelled_byte(uint8_t byte) {
    const uint32_t c = byte_letter(byte);
    if (c < 0x80) return std::string(1, char(c));
    return {char(0xc0 | c >> 6), char(0x80 | (c & 0x3f))};
}

}  // namespace rw::gguf
