// Quantised types: blocks made by hand, read by the loops of their formats; quantising and reading back.
#include "core/blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "core/convert.h"
#include "core/fill.h"

namespace rw::core {
namespace {

using Bytes = std::vector<uint8_t>;
using Values = std::vector<double>;

constexpr double d = 0.25, m = -1.5;

void put(Bytes& b, size_t at, double half) {
    const uint16_t bits = to_half(float(half));
    std::memcpy(&b[at], &bits, 2);
}

/// Bytes of every value, then the halves.
Bytes block(Type type, std::initializer_list<std::pair<size_t, double>> halves, uint64_t seed) {
    Bytes b(info(type).bytes);
    for (size_t i = 0; i < b.size(); ++i) b[i] = uint8_t(256 * uniform(seed, 3, i));
    for (const auto& [at, value] : halves) put(b, at, value);
    return b;
}

Values read(Type type, const Bytes& b) {
    Values x(info(type).block);
    dequantise(type, reinterpret_cast<const std::byte*>(b.data()), x.data());
    return x;
}

int bit(const Bytes& b, size_t at, int i) {
    uint32_t word;
    std::memcpy(&word, &b[at], 4);
    return int(word >> i & 1);
}

// The formats once more, as loops over their bytes.

Values nibbles(const Bytes& b, size_t from, const std::function<double(int q, int element)>& value) {
    Values x(32);
    for (int l = 0; l < 16; ++l) {
        x[size_t(l)] = value(b[from + size_t(l)] & 15, l);
        x[size_t(l) + 16] = value(b[from + size_t(l)] >> 4, l + 16);
    }
    return x;
}

Values scaled(const Bytes& b, bool fifth) {
    const uint8_t* s = &b[4];
    int scale[8], min[8];
    for (int j = 0; j < 4; ++j) scale[j] = s[j] & 63, min[j] = s[j + 4] & 63;
    for (int j = 4; j < 8; ++j)
        scale[j] = (s[j + 4] & 15) + 16 * (s[j - 4] >> 6), min[j] = (s[j + 4] >> 4) + 16 * (s[j] >> 6);
    Values x;
    const uint8_t* q = &b[fifth ? 48 : 16];
    for (int pair = 0; pair < 4; ++pair, q += 32)
        for (int j = 2 * pair; j < 2 * pair + 2; ++j)
            for (int l = 0; l < 32; ++l) {
                int n = j % 2 ? q[l] >> 4 : q[l] & 15;
                if (fifth) n += b[size_t(16 + l)] >> j & 1 ? 16 : 0;
                x.push_back(d * scale[j] * n - m * min[j]);
            }
    return x;
}

Values q6_k(const Bytes& b) {
    Values x(256);
    for (size_t half = 0; half < 2; ++half) {
        const uint8_t *ql = &b[64 * half], *qh = &b[128 + 32 * half];
        const int8_t* sc = reinterpret_cast<const int8_t*>(&b[192 + 8 * half]);
        double* y = &x[128 * half];
        for (int l = 0; l < 32; ++l) {
            y[l] = d * sc[l / 16] * (((ql[l] & 15) | (qh[l] & 3) << 4) - 32);
            y[l + 32] = d * sc[l / 16 + 2] * (((ql[l + 32] & 15) | (qh[l] >> 2 & 3) << 4) - 32);
            y[l + 64] = d * sc[l / 16 + 4] * ((ql[l] >> 4 | (qh[l] >> 4 & 3) << 4) - 32);
            y[l + 96] = d * sc[l / 16 + 6] * ((ql[l + 32] >> 4 | qh[l] >> 6 << 4) - 32);
        }
    }
    return x;
}

Values iq4_xs(const Bytes& b) {
    Values x;
    const unsigned high = b[2] | unsigned(b[3]) << 8;
    for (int j = 0; j < 8; ++j) {
        const int scale = int((b[size_t(4 + j / 2)] >> 4 * (j & 1) & 15) | (high >> 2 * j & 3) << 4) - 32;
        for (const double y : nibbles(b, size_t(8 + 16 * j), [&](int q, int) { return d * scale * iq4_code[q]; }))
            x.push_back(y);
    }
    return x;
}

TEST(Blocks, OfBytesMadeByHandAreTheirFormulas) {
    for (uint64_t seed = 1; seed < 20; ++seed) {
        Bytes b = block(Type::q8_0, {{0, d}}, seed);
        Values want;
        for (size_t i = 2; i < b.size(); ++i) want.push_back(d * (b[i] < 128 ? b[i] : b[i] - 256));
        EXPECT_EQ(read(Type::q8_0, b), want);
        b = block(Type::q4_0, {{0, d}}, seed);
        EXPECT_EQ(read(Type::q4_0, b), nibbles(b, 2, [](int q, int) { return d * (q - 8); }));
        b = block(Type::q4_1, {{0, d}, {2, m}}, seed);
        EXPECT_EQ(read(Type::q4_1, b), nibbles(b, 4, [](int q, int) { return d * q + m; }));
        b = block(Type::q5_0, {{0, d}}, seed);
        EXPECT_EQ(read(Type::q5_0, b), nibbles(b, 6, [&](int q, int i) { return d * (q + 16 * bit(b, 2, i) - 16); }));
        b = block(Type::q5_1, {{0, d}, {2, m}}, seed);
        EXPECT_EQ(read(Type::q5_1, b), nibbles(b, 8, [&](int q, int i) { return d * (q + 16 * bit(b, 4, i)) + m; }));
        b = block(Type::iq4_nl, {{0, d}}, seed);
        EXPECT_EQ(read(Type::iq4_nl, b), nibbles(b, 2, [](int q, int) { return d * iq4_code[q]; }));
        b = block(Type::q4_k, {{0, d}, {2, m}}, seed);
        EXPECT_EQ(read(Type::q4_k, b), scaled(b, false));
        b = block(Type::q5_k, {{0, d}, {2, m}}, seed);
        EXPECT_EQ(read(Type::q5_k, b), scaled(b, true));
        b = block(Type::q6_k, {{208, d}}, seed);
        EXPECT_EQ(read(Type::q6_k, b), q6_k(b));
        b = block(Type::iq4_xs, {{0, d}}, seed);
        EXPECT_EQ(read(Type::iq4_xs, b), iq4_xs(b));
    }
}

/// Half a step of the coarsest place, as a share of the largest element: what rounding may move an element by.
double rounding(Type type) {
    switch (type) {
        case Type::q8_0: return 0.5 / 127;
        case Type::q4_0: case Type::q4_1: return 1.0 / 8;  // the largest element of the other sign is clamped
        case Type::q5_0: case Type::q5_1: return 1.0 / 16;
        case Type::q6_k: return 1.2 / 32;
        case Type::q5_k: return 2.0 / 31;
        case Type::q4_k: return 2.0 / 15;
        default: return 16.0 / 127;  // half the widest gap of the codes, and the end that has no 127
    }
}

TEST(Blocks, KeepWhatIsQuantisedAsCloseAsTheirStepsAllow) {
    for (const TypeInfo& t : all_types) {
        if (!is_quantised(t.type)) continue;
        Values x(t.block);
        for (size_t i = 0; i < x.size(); ++i) x[i] = 3 * normal(9, uint64_t(t.type), i);
        Bytes b(t.bytes);
        quantise(t.type, x.data(), reinterpret_cast<std::byte*>(b.data()));
        const Values y = read(t.type, b);
        double largest = 0, error = 0;
        for (size_t i = 0; i < x.size(); ++i) {
            largest = std::max(largest, std::fabs(x[i]));
            error = std::max(error, std::fabs(x[i] - y[i]));
        }
        EXPECT_LE(error, 1.01 * rounding(t.type) * largest) << t.name;
        EXPECT_GT(error, 0) << t.name;
    }
}

TEST(Blocks, OfZerosAreZeroAndOneNanIsNanEverywhere) {
    for (const TypeInfo& t : all_types) {
        if (!is_quantised(t.type)) continue;
        Values x(t.block, 0);
        Bytes b(t.bytes);
        quantise(t.type, x.data(), reinterpret_cast<std::byte*>(b.data()));
        EXPECT_EQ(read(t.type, b), x) << t.name;
        x[t.block - 1] = std::numeric_limits<double>::quiet_NaN();
        quantise(t.type, x.data(), reinterpret_cast<std::byte*>(b.data()));
        for (const double y : read(t.type, b)) EXPECT_TRUE(std::isnan(y)) << t.name;
    }
    double none = 0;
    EXPECT_THROW(dequantise(Type::f32, nullptr, &none), Error);
}

TEST(Blocks, AreWhatRowsOfATensorAreMadeOf) {
    const Extent ne{512, 3, 1, 1};
    const Tensor packed{Type::q6_k, ne, contiguous(Type::q6_k, ne)};
    EXPECT_EQ(packed.nb, (Extent{210, 420, 1260, 1260}));
    EXPECT_EQ(packed.span(), 1260u);
    const Tensor apart{Type::q6_k, ne, {210, 840, 2520, 2520}};
    EXPECT_EQ(apart.stride(1), 4);
    Values x(512 * 3);
    for (size_t i = 0; i < x.size(); ++i) x[i] = normal(4, 4, i);
    std::vector<std::byte> one(packed.span()), two(apart.span());
    scatter(x, packed, one.data()), scatter(x, apart, two.data());
    EXPECT_EQ(gather(packed, one.data()), gather(apart, two.data()));
    EXPECT_EQ(gather(packed, one.data()), as_stored(Type::q6_k, ne, x));
    EXPECT_EQ(std::memcmp(one.data() + 420, two.data() + 840, 420), 0);
}

TEST(Types, AreFoundByName) {
    for (const TypeInfo& t : all_types) EXPECT_EQ(type_named(t.name), t.type);
    EXPECT_THROW(type_named("q3_k"), Error);
}

}  // namespace
}  // namespace rw::core
