// Random numbers without a state: each is a function of who asks for what, so there is nothing to rewind when a draft is
// rejected, and a text is the same whoever else runs.
#pragma once

#include <cstdint>

namespace rw::sample {

/// Draws for different purposes at one position know nothing of each other.
enum class Purpose : uint32_t {
    draw,      // the token from its distribution
    accept,    // whether a draft stands, by the ratio of probabilities
    residual,  // the token instead of a draft that does not
};

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
constexpr uint64_t mixed(uint64_t z) {
    z += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/// A number in [0, 1), the same everywhere.
constexpr double uniform(uint64_t seed, uint32_t choice, int64_t position, Purpose purpose = Purpose::draw) {
    const uint64_t who = uint64_t(purpose) << 32 | choice;
    return double(mixed(mixed(mixed(seed) ^ who) ^ uint64_t(position)) >> 11) * 0x1p-53;
}

}  // namespace rw::sample
