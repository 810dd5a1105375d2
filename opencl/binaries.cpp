#include "opencl/binaries.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "core/cache_path.h"

namespace rw::opencl {
namespace {

namespace fs = std::filesystem;

uint64_t fnv(const std::string& s, uint64_t seed) {
    uint64_t h = 0xcbf29ce484222325ull ^ seed;
    for (const unsigned char c : s) h = (h ^ c) * 0x100000001b3ull;
    return h ^ h >> 29;
}

std::string hex(uint64_t x) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(x));
    return digits;
}

fs::path path_of(const std::string& key) {
    return core::cache_path(fs::path("opencl") / (hex(fnv(key, 1)) + hex(fnv(key, 2)) + ".bin"));
}

/// First line of a file: it names the key and the bytes, so that a cut or foreign file is noticed.
std::string header(const std::string& key, const std::string& bytes) {
    return "rewind-opencl " + hex(fnv(key, 3)) + " " + std::to_string(bytes.size()) + " " + hex(fnv(bytes, 4)) + "\n";
}

}  // namespace

std::optional<std::string> load_binary(const std::string& key) {
    const fs::path path = path_of(key);
    if (path.empty()) return {};
    std::ifstream in(path, std::ios::binary);
    std::string first;
    if (!std::getline(in, first)) return {};
    std::ostringstream rest;
    rest << in.rdbuf();
    if (first + "\n" != header(key, rest.str())) return {};
    return rest.str();
}

void store_binary(const std::string& key, const std::string& bytes) {
    const fs::path path = path_of(key);
    if (path.empty() || bytes.empty()) return;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    // Renaming is atomic: other processes see the old file or the new one.
    const fs::path fresh = path.string() + "." + std::to_string(getpid());
    {
        std::ofstream out(fresh, std::ios::binary);
        out << header(key, bytes) << bytes;
        if (!out.flush()) {
            fs::remove(fresh, error);
            return;
        }
    }
    fs::rename(fresh, path, error);
    if (error) fs::remove(fresh, error);
}

}  // namespace rw::opencl
