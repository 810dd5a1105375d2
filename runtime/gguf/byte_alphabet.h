// The spelling of bytes in a byte-level BPE vocabulary: 188 printable bytes of Latin-1 stand for themselves, the other
// 68 in order for U+0100 .. U+0143, so that every token is readable text without spaces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

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

/// Appends the bytes that a token spells. False, and `out` as it was, when a character of it stands for no byte.
inline bool append_spelled(std::string_view token, std::string& out) {
    static constexpr auto byte_of = [] {  // by letter; -1: stands for none
        std::array<int16_t, 0x144> table{};
        table.fill(-1);
        for (uint32_t b = 0; b < 256; ++b) table[byte_letter(b)] = int16_t(b);
        return table;
    }();
    const size_t before = out.size();
    for (size_t i = 0; i < token.size(); ++i) {
        uint32_t letter = uint8_t(token[i]);
        if (letter >= 0xc2 && letter <= 0xc5 && i + 1 < token.size()) letter = (letter & 0x1f) << 6 | (uint8_t(token[++i]) & 0x3f);
        else if (letter >= 0x80) letter = 0;
        const int byte = letter < byte_of.size() ? byte_of[letter] : -1;
        if (byte < 0) {
            out.resize(before);
            return false;
        }
        out += char(byte);
    }
    return true;
}

}  // namespace rw::gguf
