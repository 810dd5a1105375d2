// NumPy's .npy files, versions 1 to 3: what `ops eval` reads and writes. Little-endian, C order, plain numbers.
// Everything that a file can get wrong throws rw::Error (io: cannot be read or written; invalid_argument: what is in
// it), without an argument's name: the caller puts that in front.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::tools {

struct Npy {
    std::string descr;           // "<f4"
    std::vector<int64_t> shape;  // as in NumPy, slowest first
    std::vector<std::byte> data;
};

Npy read_npy(const std::filesystem::path& path);
void write_npy(const std::filesystem::path& path, const Npy& array);

/// "(1, 4, 128)"
std::string shape_text(const std::vector<int64_t>& shape);
/// "float32 (<f4)"; the text itself for what has no such name.
std::string type_text(const std::string& descr);

}  // namespace rw::tools
