// A checksum of bytes that is good for telling damage and difference, not for keeping anybody out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rw {

/// FNV-1a over words of eight bytes, mixed after each. However the bytes are cut into pieces, the value is the same.
class Checksum {
public:
    void add(std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) {
            word_ |= uint64_t(b) << (8 * (count_ % 8));
            if (++count_ % 8 == 0) take();
        }
    }
    uint64_t value() const {
        Checksum end = *this;
        end.take();
        return (end.hash_ ^ end.hash_ >> 32) * prime + count_;
    }

private:
    static constexpr uint64_t prime = 0x100000001b3;
    void take() {
        hash_ = (hash_ ^ word_) * prime;
        hash_ ^= hash_ >> 29;
        word_ = 0;
    }
    uint64_t hash_ = 0xcbf29ce484222325, word_ = 0, count_ = 0;
};

}  // namespace rw
