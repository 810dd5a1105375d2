#include "core/convert.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "core/blocks.h"

namespace rw::core {
namespace {

/// Calls f(packed index of the first element, byte offset) for every block.
template <class F>
void each_block(const Tensor& t, F&& f) {
    const size_t block = info(t.type).block;
    size_t i = 0;
    for (int64_t d3 = 0; d3 < t.ne[3]; ++d3)
        for (int64_t d2 = 0; d2 < t.ne[2]; ++d2)
            for (int64_t d1 = 0; d1 < t.ne[1]; ++d1)
                for (int64_t d0 = 0; d0 < t.steps(0); ++d0, i += block)
                    f(i, d0 * t.nb[0] + d1 * t.nb[1] + d2 * t.nb[2] + d3 * t.nb[3]);
}

/// Calls f(bits, decode, encode) with a word of the type's size and what makes a number of it and of a number.
template <class F>
double with_bits(Type type, F&& f) {
    switch (type) {
    case Type::f16: return f(uint16_t(), from_half, [](double x) { return to_half(float(x)); });
    case Type::bf16: return f(uint16_t(), from_bfloat, [](double x) { return to_bfloat(float(x)); });
    case Type::i32: return f(int32_t(), [](int32_t x) { return double(x); }, [](double x) { return int32_t(x); });
    default: return f(float(), [](float x) { return double(x); }, [](double x) { return float(x); });
    }
}

}  // namespace

uint16_t to_half(float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x), sign = bits >> 16 & 0x8000;
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return uint16_t(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return uint16_t(sign | 0x7c00);  // rounds past 65504
    if (magnitude < 0x38800000) {                                 // subnormal: a multiple of 2^-24
        const float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;
        return uint16_t(sign | uint32_t(std::nearbyint(scaled)));
    }
    const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return uint16_t(sign | ((rounded >> 13) - (112u << 10)));
}

float from_half(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * float(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t to_bfloat(float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    if ((bits & 0x7fffffff) > 0x7f800000) return uint16_t(bits >> 16 | 0x40);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bfloat(uint16_t b) { return std::bit_cast<float>(uint32_t(b) << 16); }

double load(const void* element, Type type) {
    return with_bits(type, [&](auto bits, auto decode, auto) {
        std::memcpy(&bits, element, sizeof bits);
        return decode(bits);
    });
}

void store(void* element, Type type, double value) {
    with_bits(type, [&](auto bits, auto, auto encode) {
        bits = encode(value);
        std::memcpy(element, &bits, sizeof bits);
        return 0.0;
    });
}

void scatter(const std::vector<double>& packed, const Tensor& layout, void* image) {
    if (packed.size() < size_t(layout.elements())) throw std::out_of_range("scatter: fewer values than elements");
    std::byte* const to = static_cast<std::byte*>(image);
    if (is_quantised(layout.type)) {
        each_block(layout, [&](size_t i, int64_t at) { quantise(layout.type, &packed[i], to + at); });
        return;
    }
    with_bits(layout.type, [&](auto bits, auto, auto encode) {
        each_block(layout, [&](size_t i, int64_t at) {
            bits = encode(packed[i]);
            std::memcpy(to + at, &bits, sizeof bits);
        });
        return 0.0;
    });
}

std::vector<double> gather(const Tensor& layout, const void* image) {
    std::vector<double> packed(size_t(layout.elements()));
    const std::byte* const from = static_cast<const std::byte*>(image);
    if (is_quantised(layout.type)) {
        each_block(layout, [&](size_t i, int64_t at) { dequantise(layout.type, from + at, &packed[i]); });
        return packed;
    }
    with_bits(layout.type, [&](auto bits, auto decode, auto) {
        each_block(layout, [&](size_t i, int64_t at) {
            std::memcpy(&bits, from + at, sizeof bits);
            packed[i] = decode(bits);
        });
        return 0.0;
    });
    return packed;
}

std::vector<double> as_stored(Type type, const Extent& ne, const std::vector<double>& packed) {
    const Tensor layout{type, ne, contiguous(type, ne)};
    std::vector<std::byte> image(layout.span());
    scatter(packed, layout, image.data());
    return gather(layout, image.data());
}

}  // namespace rw::core
