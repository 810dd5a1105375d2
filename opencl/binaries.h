// Compiled programs kept on disk between processes, under XDG_CACHE_HOME/rewind/opencl. Best effort: a cache that
// cannot be read or written only costs compile time.
#pragma once

#include <optional>
#include <string>

namespace rw::opencl {

/// The bytes stored for a key, if they are there, whole and for exactly this key.
std::optional<std::string> load_binary(const std::string& key);
void store_binary(const std::string& key, const std::string& bytes);

}  // namespace rw::opencl
