#include "core/blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/convert.h"

namespace rw::core {
namespace {

using Byte = uint8_t;

double half_at(const Byte* at) {
    uint16_t bits;
    std::memcpy(&bits, at, 2);
    return from_half(bits);
}

/// Returns what the half stands for.
double put_half(Byte* at, double value) {
    const uint16_t bits = to_half(float(value));
    std::memcpy(at, &bits, 2);
    return from_half(bits);
}

// Element k of 32.
int nibble(const Byte* q, int k) { return k < 16 ? q[k] & 15 : q[k - 16] >> 4; }
int fifth(const Byte* bits, int k) { return (bits[k / 8] >> k % 8 & 1) << 4; }
void put_nibble(Byte* q, int k, int n) { q[k % 16] |= Byte(k < 16 ? n : n << 4); }
void put_fifth(Byte* bits, int k, int n) { bits[k / 8] |= Byte((n >> 4 & 1) << k % 8); }

// Element k of 256.
int wide_nibble(const Byte* q, int k) { return q[k / 64 * 32 + k % 32] >> (k / 32 % 2 ? 4 : 0) & 15; }
void put_wide_nibble(Byte* q, int k, int n) { q[k / 64 * 32 + k % 32] |= Byte((n & 15) << (k / 32 % 2 ? 4 : 0)); }

// Scale and min of sub-block j.
int scale6(const Byte* s, int j) { return j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4; }
int min6(const Byte* s, int j) { return j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4; }
void put_scale6(Byte* s, int j, int scale, int min) {
    if (j < 4) s[j] |= Byte(scale), s[j + 4] |= Byte(min);
    else s[j + 4] = Byte((scale & 15) | min << 4), s[j - 4] |= Byte(scale >> 4 << 6), s[j] |= Byte(min >> 4 << 6);
}

struct Place6 {  // of an element of q6_k
    explicit Place6(int k)
        : low(k / 128 * 64 + k / 32 % 2 * 32 + k % 32), low_shift(k % 128 < 64 ? 0 : 4), high(128 + k / 128 * 32 + k % 32),
          high_shift(k % 128 / 32 * 2), scale(192 + k / 16) {}
    int low, low_shift, high, high_shift, scale;
};

double q8_0(const Byte* b, int k) { return half_at(b) * int8_t(b[2 + k]); }
double q4_0(const Byte* b, int k) { return half_at(b) * (nibble(b + 2, k) - 8); }
double q4_1(const Byte* b, int k) { return half_at(b) * nibble(b + 4, k) + half_at(b + 2); }
double q5_0(const Byte* b, int k) { return half_at(b) * ((nibble(b + 6, k) | fifth(b + 2, k)) - 16); }
double q5_1(const Byte* b, int k) { return half_at(b) * (nibble(b + 8, k) | fifth(b + 4, k)) + half_at(b + 2); }
double iq4_nl(const Byte* b, int k) { return half_at(b) * iq4_code[nibble(b + 2, k)]; }

double q4_k(const Byte* b, int k) {
    const int j = k / 32;
    return half_at(b) * scale6(b + 4, j) * wide_nibble(b + 16, k) - half_at(b + 2) * min6(b + 4, j);
}

double q5_k(const Byte* b, int k) {
    const int j = k / 32, q = wide_nibble(b + 48, k) | (b[16 + k % 32] >> j & 1) << 4;
    return half_at(b) * scale6(b + 4, j) * q - half_at(b + 2) * min6(b + 4, j);
}

double q6_k(const Byte* b, int k) {
    const Place6 at(k);
    const int q = (b[at.low] >> at.low_shift & 15) | (b[at.high] >> at.high_shift & 3) << 4;
    return half_at(b + 208) * int8_t(b[at.scale]) * (q - 32);
}

double iq4_xs(const Byte* b, int k) {
    const int j = k / 32, high = (b[2 + j / 4] >> j % 4 * 2 & 3) << 4, scale = (b[4 + j / 2] >> j % 2 * 4 & 15) | high;
    return half_at(b) * (scale - 32) * iq4_code[nibble(b + 8 + 16 * j, k % 32)];
}

int nearest(double x, int low, int high) { return int(std::clamp(std::nearbyint(x), double(low), double(high))); }
double over(double x, double d) { return d != 0 ? x / d : 0; }

/// The element furthest from zero, with its sign.
double furthest(const double* x, int n) {
    return *std::max_element(x, x + n, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
}

int nearest_code(double x) {
    int best = 0;
    for (int q = 1; q < 16; ++q)
        if (std::fabs(x - iq4_code[q]) < std::fabs(x - iq4_code[best])) best = q;
    return best;
}

void to_q8_0(const double* x, Byte* b) {
    const double d = put_half(b, std::fabs(furthest(x, 32)) / 127);
    for (int k = 0; k < 32; ++k) b[2 + k] = Byte(nearest(over(x[k], d), -127, 127));
}

/// q4_0, q5_0: the furthest element becomes the number that only one sign has.
template <int kBits>
void to_centred(const double* x, Byte* b) {
    constexpr int half = 1 << (kBits - 1), nibbles = kBits == 5 ? 6 : 2;
    const double d = put_half(b, furthest(x, 32) / -half);
    for (int k = 0; k < 32; ++k) {
        const int q = nearest(over(x[k], d) + half, 0, 2 * half - 1);
        put_nibble(b + nibbles, k, q & 15);
        if (kBits == 5) put_fifth(b + 2, k, q);
    }
}

/// q4_1, q5_1.
template <int kBits>
void to_ranged(const double* x, Byte* b) {
    constexpr int most = (1 << kBits) - 1, nibbles = kBits == 5 ? 8 : 4;
    const double m = put_half(b + 2, *std::min_element(x, x + 32));
    const double d = put_half(b, (*std::max_element(x, x + 32) - m) / most);
    for (int k = 0; k < 32; ++k) {
        const int q = nearest(over(x[k] - m, d), 0, most);
        put_nibble(b + nibbles, k, q & 15);
        if (kBits == 5) put_fifth(b + 4, k, q);
    }
}

void to_iq4_nl(const double* x, Byte* b) {
    const double d = put_half(b, furthest(x, 32) / -127);
    for (int k = 0; k < 32; ++k) put_nibble(b + 2, k, nearest_code(over(x[k], d)));
}

/// q4_k, q5_k.
template <int kBits>
void to_scaled(const double* x, Byte* b) {
    constexpr int most = (1 << kBits) - 1, nibbles = kBits == 5 ? 48 : 16;
    double scale[8], min[8];
    for (int j = 0; j < 8; ++j) {
        min[j] = std::max(0.0, -*std::min_element(x + 32 * j, x + 32 * j + 32));
        scale[j] = std::max(0.0, *std::max_element(x + 32 * j, x + 32 * j + 32) + min[j]) / most;
    }
    const double d = put_half(b, *std::max_element(scale, scale + 8) / 63);
    const double dmin = put_half(b + 2, *std::max_element(min, min + 8) / 63);
    for (int j = 0; j < 8; ++j) {
        const int s = nearest(over(scale[j], d), 0, 63), m = nearest(over(min[j], dmin), 0, 63);
        put_scale6(b + 4, j, s, m);
        for (int k = 32 * j; k < 32 * j + 32; ++k) {
            const int q = nearest(over(x[k] + dmin * m, d * s), 0, most);
            put_wide_nibble(b + nibbles, k, q);
            if (kBits == 5) b[16 + k % 32] |= Byte((q >> 4) << j);
        }
    }
}

void to_q6_k(const double* x, Byte* b) {
    double scale[16];
    for (int s = 0; s < 16; ++s) scale[s] = furthest(x + 16 * s, 16) / -32;
    const double d = put_half(b + 208, std::fabs(furthest(scale, 16)) / 127);
    for (int s = 0; s < 16; ++s) b[192 + s] = Byte(nearest(over(scale[s], d), -127, 127));
    for (int k = 0; k < 256; ++k) {
        const Place6 at(k);
        const int q = nearest(over(x[k], d * int8_t(b[at.scale])), -32, 31) + 32;
        b[at.low] |= Byte((q & 15) << at.low_shift), b[at.high] |= Byte((q >> 4) << at.high_shift);
    }
}

void to_iq4_xs(const double* x, Byte* b) {
    double scale[8];
    for (int j = 0; j < 8; ++j) scale[j] = furthest(x + 32 * j, 32) / -127;
    const double d = put_half(b, furthest(scale, 8) / -32);
    for (int j = 0; j < 8; ++j) {
        const int s = nearest(over(scale[j], d), -32, 31), stored = s + 32;
        b[2 + j / 4] |= Byte((stored >> 4) << j % 4 * 2), b[4 + j / 2] |= Byte((stored & 15) << j % 2 * 4);
        for (int k = 32 * j; k < 32 * j + 32; ++k) put_nibble(b + 8 + 16 * j, k % 32, nearest_code(over(x[k], d * s)));
    }
}

struct Format {
    Type type;
    double (*value)(const Byte* block, int element);
    void (*make)(const double* values, Byte* block);  // into zeros
    int d;                                            // where the block's scale is: a NaN there is one everywhere
};

constexpr Format formats[] = {
    {Type::q8_0, q8_0, to_q8_0, 0},           {Type::q4_0, q4_0, to_centred<4>, 0}, {Type::q4_1, q4_1, to_ranged<4>, 0},
    {Type::q5_0, q5_0, to_centred<5>, 0},     {Type::q5_1, q5_1, to_ranged<5>, 0},  {Type::q4_k, q4_k, to_scaled<4>, 0},
    {Type::q5_k, q5_k, to_scaled<5>, 0},      {Type::q6_k, q6_k, to_q6_k, 208},     {Type::iq4_nl, iq4_nl, to_iq4_nl, 0},
    {Type::iq4_xs, iq4_xs, to_iq4_xs, 0},
};

const Format& format_of(Type type) {
    for (const Format& f : formats)
        if (f.type == type) return f;
    throw Error(Status::internal, std::string(name_of(type)) + " has no blocks");
}

}  // namespace

void dequantise(Type type, const std::byte* block, double* values) {
    const Format& f = format_of(type);
    const Byte* b = reinterpret_cast<const Byte*>(block);
    for (int k = 0; k < int(info(type).block); ++k) values[k] = f.value(b, k);
}

void quantise(Type type, const double* values, std::byte* block) {
    const Format& f = format_of(type);
    const uint32_t n = info(type).block;
    Byte* b = reinterpret_cast<Byte*>(block);
    std::fill_n(b, info(type).bytes, Byte(0));
    if (std::all_of(values, values + n, [](double x) { return std::isfinite(x); })) f.make(values, b);
    else put_half(b + f.d, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace rw::core
