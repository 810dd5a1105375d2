// Where files that only save time are kept between processes.
#pragma once

#include <filesystem>

namespace rw::core {

/// $XDG_CACHE_HOME/rewind/<name>, or ~/.cache/rewind/<name>; empty when there is neither.
std::filesystem::path cache_path(const std::filesystem::path& name);

}  // namespace rw::core
