// A checksum of bytes that is good for telling damage and difference, not for keeping anybody out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rw {

/// 64-bit FNV-1a, over words of eight bytes and then the rest, mixed at the end. Parts may be chained through `seed`.
inline uint64_t checksum(std::span<const std::byte> bytes, uint64_t seed = 0) {
    constexpr uint64_t prime = 0x100000001b3;
    uint64_t h = seed ^ 0xcbf29ce484222325;
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        uint64_t word = 0;
        for (size_t j = 0; j < 8; ++j) word |= uint64_t(bytes[i + j]) << (8 * j);
        h = (h ^ word) * prime;
        h ^= h >> 29;
    }
    for (; i < bytes.size(); ++i) h = (h ^ uint64_t(bytes[i])) * prime;
    h ^= h >> 32;
    return h * prime + bytes.size();
}

}  // namespace rw
