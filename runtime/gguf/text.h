// Text that came out of a file, made fit for a message: quoted, shortened, nothing in it that a terminal would obey.
#pragma once

#include <string>
#include <string_view>

namespace rw::gguf {

std::string printable(std::string_view text, size_t most = 80);

/// Well-formed UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF.
bool valid_utf8(std::string_view text);

}  // namespace rw::gguf
