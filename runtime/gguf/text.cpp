#include "runtime/gguf/text.h"

#include <fmt/format.h>

namespace rw::gguf {
namespace {

/// Bytes of the UTF-8 character at the start of `text`, 0 when there is none.
size_t character(std::string_view text) {
    const auto at = [&](size_t i) { return i < text.size() ? uint8_t(text[i]) : 0u; };
    const auto follows = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
    const uint32_t a = at(0), b = at(1);
    if (a < 0x80) return text.empty() ? 0 : 1;
    if (a >= 0xc2 && a <= 0xdf) return follows(1) ? 2 : 0;
    if (a >= 0xe0 && a <= 0xef) {
        if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f)) return 0;  // overlong; surrogate
        return follows(1) && follows(2) ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f)) return 0;  // overlong; past U+10FFFF
        return follows(1) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string printable(std::string_view text, size_t most) {
    std::string out = "'";
    size_t i = 0;
    while (i < text.size() && i < most) {
        const size_t n = character(text.substr(i));
        const uint8_t c = uint8_t(text[i]);
        const bool control = c < 0x20 || c == 0x7f || (n == 2 && c == 0xc2 && uint8_t(text[i + 1]) < 0xa0);
        if (n == 0 || control) out += fmt::format("\\x{:02x}", c), ++i;
        else out += text.substr(i, n), i += n;
    }
    out += "'";
    if (i < text.size()) out += fmt::format("... ({} bytes)", text.size());
    return out;
}

bool valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const size_t n = character(text);
        if (n == 0) return false;
        text.remove_prefix(n);
    }
    return true;
}

}  // namespace rw::gguf
