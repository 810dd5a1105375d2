// The header of one GGUF file: metadata and tensor descriptions, checked while they are read.
//
// Little-endian, without padding: "GGUF", u32 version, u64 tensors, u64 keys; per key a string, an i32 type and the
// value; per tensor a string, u32 dimensions, u64 extents (fastest first), i32 type, u64 offset. Then, at the next
// multiple of the alignment, the data: the tensors in the order of their descriptions, each padded to the alignment.
//
// What a file may not do, beyond what the format forbids: a dimension of 0, a tensor without dimensions, an alignment
// below 8 or above 64 KiB, more than 2^20 keys or tensors. No model needs them, and all of them hurt somebody later.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "runtime/gguf/metadata.h"
#include "runtime/gguf/types.h"

namespace rw::gguf {

inline constexpr uint32_t default_alignment = 32, least_alignment = 8, most_alignment = 65536;
inline constexpr uint64_t most_entries = 1 << 20;
inline constexpr size_t longest_tensor_name = 63;

struct TensorInfo {
    std::string_view name;
    TensorType type = TensorType::f32;
    int dims = 1;
    Extent ne{1, 1, 1, 1};
    uint64_t offset = 0;  // from the start of its file
    uint64_t bytes = 0;
    uint32_t shard = 0;
};

struct Header {
    uint32_t version = 0, alignment = default_alignment;
    Metadata metadata;
    std::vector<TensorInfo> tensors;
    uint64_t end = 0;  // of the last tensor, or of the header when there is none
};

/// Keeps views into the image. Throws Error(invalid_argument).
Header parse_header(std::span<const std::byte> image);

/// Bytes of a tensor. Throws on what no tensor can be: bad dimensions, a row that is not whole blocks, overflow.
uint64_t tensor_bytes(std::string_view name, const TypeInfo& type, const Extent& ne);
constexpr uint64_t padded(uint64_t n, uint64_t alignment) { return (n + alignment - 1) / alignment * alignment; }
/// "[1024, 32]"
std::string shape_text(const Extent& ne, int dims);

}  // namespace rw::gguf
