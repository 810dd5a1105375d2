// 128 bits that stand for the tokens of a prompt up to a cut, and for the cuts on the way there: a key goes on from the
// one before. Good for finding things; what was found is compared token by token.
//
// Two lanes of a multiply-and-shift mixer (the finaliser of Steele, Lea, Flood: Fast Splittable Pseudorandom Number
// Generators, 2014), started apart.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

namespace rw::sequence {

struct TokenKey {
    uint64_t a = 0x243f6a8885a308d3, b = 0x13198a2e03707344;
    auto operator<=>(const TokenKey&) const = default;

    TokenKey after(std::span<const int32_t> tokens) const {
        TokenKey key{mixed(a + tokens.size()), mixed(b ^ tokens.size())};
        for (const int32_t token : tokens) {
            key.a = mixed(key.a ^ uint64_t(uint32_t(token)));
            key.b = mixed(key.b + 0x9e3779b97f4a7c15 * (uint64_t(uint32_t(token)) + 1));
        }
        return key;
    }

private:
    static uint64_t mixed(uint64_t x) {
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        return (x ^ x >> 31) + 0x9e3779b97f4a7c15;
    }
};

}  // namespace rw::sequence
