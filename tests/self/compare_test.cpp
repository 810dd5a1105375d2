// The comparer and the guards: what they accept and, above all, what they do not.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/driver/compare.h"
#include "tests/support/fake_device.h"

namespace rw::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();

struct Compare : testing::Test {
    std::vector<double> want = std::vector<double>(64), got;
    std::vector<uint8_t> written = std::vector<uint8_t>(64, 1), touched = written;
    Compare() {
        for (size_t i = 0; i < want.size(); ++i) want[i] = std::sin(double(i) + 1);
        got = want;
    }
    Verdict verdict(Nans nans = Nans::exact, int64_t block = 16, double tolerance = 1e-7) const {
        return compare({"x", &want, &written, &got, &touched, true, tolerance,
                        by_blocks(64, block, [](int64_t i) { return "#" + std::to_string(i); }), nans});
    }
    void refused(const std::string& because) const {
        const Verdict v = verdict();
        ASSERT_EQ(v.problems.size(), 1u);
        EXPECT_NE(v.problems[0].find(because), std::string::npos) << v.problems[0];
    }
};

TEST_F(Compare, EqualPasses) {
    EXPECT_TRUE(verdict().ok());
    EXPECT_EQ(verdict().worst, 0);
    EXPECT_EQ(verdict().mistrust, "");
}

TEST_F(Compare, RoundingPasses) {
    for (double& x : got) x = float(x);
    EXPECT_TRUE(verdict().ok());
    EXPECT_GT(verdict().worst, 0);
}

TEST_F(Compare, OneWrongElement) {
    got[37] += 0.01;
    refused("#2: NMSE");
    refused("element 37");
}

TEST_F(Compare, TheBoundIsTheBound) {  // error 1e-3 in each of 16 elements against power p: NMSE = 16e-6 / p
    double power = 0;
    for (size_t i = 0; i < 16; ++i) got[i] += 1e-3, power += want[i] * want[i];
    EXPECT_TRUE(verdict(Nans::exact, 16, 16e-6 / power * 1.001).ok());
    EXPECT_FALSE(verdict(Nans::exact, 16, 16e-6 / power * 0.999).ok());
}

TEST_F(Compare, AWrongGroupIsNotDrownedByTheOthers) {
    for (size_t i = 0; i < 64; ++i) want[i] *= i < 16 ? 1e-4 : 1;  // a small head beside large ones
    got = want;
    for (size_t i = 0; i < 16; ++i) got[i] = 0;
    EXPECT_TRUE(verdict(Nans::exact, 64).ok());  // pooled: nobody sees it
    EXPECT_FALSE(verdict().ok());
}

TEST_F(Compare, SwappedGroups) {
    std::swap_ranges(got.begin(), got.begin() + 16, got.begin() + 16);
    EXPECT_EQ(verdict().problems.size(), 2u);
}

TEST_F(Compare, NotWritten) {
    touched[5] = 0;
    refused("1 elements not written, the first is 5");
}

TEST_F(Compare, WrittenThoughItMustNot) {
    written[9] = 0;
    refused("1 elements written that must not be, the first is 9");
}

TEST_F(Compare, NanAndInfinity) {
    got[3] = nan;
    refused("element 3");
    want[3] = nan;
    EXPECT_TRUE(verdict().ok());
    got[3] = want[3] = infinity;
    EXPECT_TRUE(verdict().ok());
    got[3] = -infinity;
    EXPECT_FALSE(verdict().ok());
    got[3] = 1e30;
    EXPECT_FALSE(verdict().ok());
}

TEST_F(Compare, NansPerGroup) {
    want[3] = nan, got[4] = nan;
    EXPECT_FALSE(verdict().ok());
    EXPECT_TRUE(verdict(Nans::per_group).ok());
    got[4] = want[4];
    EXPECT_FALSE(verdict(Nans::per_group).ok());  // none where some were due
    want[3] = got[3], got[20] = nan;
    EXPECT_FALSE(verdict(Nans::per_group).ok());  // some where none belong
}

TEST_F(Compare, AllZeroOutputs) {
    std::fill(got.begin(), got.end(), 0.0);
    EXPECT_EQ(verdict().problems.size(), 4u);
}

TEST_F(Compare, ZeroHasToBeZero) {
    std::fill(want.begin(), want.end(), 0.0);
    got = want;
    EXPECT_TRUE(verdict().ok());
    EXPECT_EQ(verdict().mistrust, "zero");
    got[1] = 1e-20;
    EXPECT_FALSE(verdict().ok());
    got[1] = 1e-38;  // a denormal that one side flushed
    EXPECT_TRUE(verdict().ok());
}

TEST_F(Compare, WhatCannotFailIsMistrusted) {
    std::fill(want.begin(), want.end(), nan);
    got = want;
    EXPECT_EQ(verdict().mistrust, "nan");
    std::fill(written.begin(), written.end(), 0), std::fill(touched.begin(), touched.end(), 0);
    EXPECT_EQ(verdict().mistrust, "untouched");
}

TEST(Bits, SignOfZeroCountsPayloadsDoNot) {
    EXPECT_FALSE(same_bits(0.0, -0.0));
    EXPECT_TRUE(same_bits(nan, -nan));
    EXPECT_FALSE(same_bits(1.0, 1.0 + 1e-16 * 3));
}

TEST(Groups, ByDims) {
    const Grouping g = by_dims({4, 3, 5, 2}, 0b1010);
    EXPECT_EQ(g.count, 6);
    EXPECT_EQ(g.of(0), 0);
    EXPECT_EQ(g.of(4), 1);                 // next head
    EXPECT_EQ(g.of(12), 0);                // next token, same head
    EXPECT_EQ(g.of(12 * 5 + 8), 3 + 2);    // sequence 1, head 2
    EXPECT_EQ(g.label(5), "[:, 2, :, 1]");
}

struct Guard : testing::Test {
    FakeDevice device{"fake"};
    const ops::Op& op = ops::find("GATED_DELTA_NET");
    Inputs in{op, op.example(ops::Dims("S=16 T=3 layout=padded")), 1, 16};
    Bound bound{device, in};

    std::byte* at(const char* name, int64_t byte) const {
        const Tensor& t = bound.call().arg[size_t(op.arg_index(name))];
        return static_cast<std::byte*>(t.buffer->host()) + int64_t(t.offset) + byte;
    }
    int64_t span(const char* name) const { return int64_t(bound.call().arg[size_t(op.arg_index(name))].span()); }
    void write(const char* name, int64_t byte) const {
        const float x = 1.5f;
        std::memcpy(at(name, byte), &x, 4);
    }
    void seen(const std::string& text) const {
        const Outcome o = bound.read();
        ASSERT_EQ(o.damage.size(), 1u);
        EXPECT_NE(o.damage[0].find(text), std::string::npos) << o.damage[0];
    }
};

TEST_F(Guard, NothingHappenedNothingSeen) {
    const Outcome o = bound.read();
    EXPECT_TRUE(o.damage.empty());
    for (const auto& t : o.touched)
        for (const uint8_t x : t) EXPECT_EQ(x, 0);
}

TEST_F(Guard, OutputsStartAsPoison) {
    const Outcome o = bound.read();
    for (const double x : o.value[size_t(op.arg_index("out"))]) EXPECT_TRUE(std::isnan(x));
}

TEST_F(Guard, PastTheEnd) { write("out", span("out")), seen("0 bytes past the end of out"); }
TEST_F(Guard, BeforeTheStart) { write("state_out", -4), seen("4 bytes before state_out"); }
TEST_F(Guard, FarPastTheEnd) { write("out", span("out") + 128), seen("128 bytes past the end of out"); }
TEST_F(Guard, AnInput) { write("k", 8), seen("byte 8 of k"); }
TEST_F(Guard, BetweenTheRowsOfAnInput) { write("v", 16 * 4), seen("byte 64 of v"); }

TEST_F(Guard, AnOutputElementIsTouchedNotDamaged) {
    write("out", 12);
    const Outcome o = bound.read();
    EXPECT_TRUE(o.damage.empty());
    EXPECT_EQ(o.touched[size_t(op.arg_index("out"))][3], 1);
    EXPECT_EQ(o.value[size_t(op.arg_index("out"))][3], 1.5);
}

TEST_F(Guard, AlignmentIsOdd) {
    for (const int64_t align : {4, 16, 64, 256}) {
        const Inputs other(op, op.example(ops::Dims("S=16")), 5, align);
        const Bound b(device, other);
        for (const Tensor& t : b.call().arg) {
            if (!t) continue;
            EXPECT_EQ(int64_t(t.offset) % (2 * align), align);
        }
    }
}

TEST(Poison, IsNanInEveryFloatType) {
    for (uint64_t at = 0; at < 4096; at += 4) {
        const uint32_t word = poison(at);
        float x;
        std::memcpy(&x, &word, 4);
        EXPECT_TRUE(std::isnan(x));
        EXPECT_NE(word, poison(at + 4));
    }
}

}  // namespace
}  // namespace rw::test
