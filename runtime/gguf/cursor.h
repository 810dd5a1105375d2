// Reading a byte image from front to back. Nothing is read, skipped or counted that the image does not hold; every
// refusal says what was being read and where.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "rewind/ops/contract.h"

namespace rw::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF is little-endian and read in place");

class Cursor {
public:
    explicit Cursor(std::span<const std::byte> image) : image_(image) {}

    uint64_t at() const { return at_; }
    uint64_t left() const { return image_.size() - at_; }

    template <class T>
    T take(const char* what) {
        T value;
        std::memcpy(&value, bytes(sizeof value, what).data(), sizeof value);
        return value;
    }
    /// `count` bytes, as a view.
    std::span<const std::byte> bytes(uint64_t count, const char* what) {
        if (count > left()) fail(fmt::format("{} needs {} bytes, the file has {} left: it is truncated or damaged", what, count, left()));
        const auto taken = image_.subspan(at_, size_t(count));
        at_ += size_t(count);
        return taken;
    }
    /// A u64 length and as many bytes.
    std::string_view string(const char* what) {
        const auto taken = bytes(take<uint64_t>(what), what);
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }
    /// Everything taken since `from`.
    std::span<const std::byte> since(uint64_t from) const { return image_.subspan(from, at_ - from); }

    [[noreturn]] void fail(const std::string& why) const {
        throw Error(Status::invalid_argument, fmt::format("{} (at byte {})", why, at_));
    }

private:
    std::span<const std::byte> image_;
    size_t at_ = 0;
};

}  // namespace rw::gguf
