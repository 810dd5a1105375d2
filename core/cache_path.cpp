#include "core/cache_path.h"

#include <cstdlib>

namespace rw::core {

std::filesystem::path cache_path(const std::filesystem::path& name) {
    if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) return std::filesystem::path(xdg) / "rewind" / name;
    if (const char* home = std::getenv("HOME"); home && *home)
        return std::filesystem::path(home) / ".cache" / "rewind" / name;
    return {};
}

}  // namespace rw::core
