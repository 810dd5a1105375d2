// How much of a device's memory is taken: backends count what they ask its driver for, so that a caller's own table can
// be held against it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace rw::core {

using Meter = std::atomic<uint64_t>;  // bytes taken now

/// Bytes that count as taken for as long as this lives.
class Taken {
public:
    Taken() = default;
    Taken(std::shared_ptr<Meter> meter, uint64_t bytes) : meter_(std::move(meter)), bytes_(bytes) { *meter_ += bytes_; }
    Taken(Taken&& other) noexcept : meter_(std::move(other.meter_)), bytes_(other.bytes_) {}
    Taken& operator=(Taken&& other) noexcept {
        std::swap(meter_, other.meter_), std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Taken() {
        if (meter_) *meter_ -= bytes_;
    }
    uint64_t bytes() const { return meter_ ? bytes_ : 0; }

private:
    std::shared_ptr<Meter> meter_;
    uint64_t bytes_ = 0;
};

}  // namespace rw::core
