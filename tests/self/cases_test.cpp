// The case language.
#include <gtest/gtest.h>

#include <set>

#include "tests/driver/cases.h"

namespace rw::test {
namespace {

using Lines = std::vector<std::string>;

TEST(Cases, BracesMultiply) {
    EXPECT_EQ(expand("S=64 T={1,2} K={1,4}"), (Lines{"S=64 T=1 K=1", "S=64 T=1 K=4", "S=64 T=2 K=1", "S=64 T=2 K=4"}));
    EXPECT_EQ(expand("S=64"), Lines{"S=64"});
}

TEST(Cases, ABarKeepsCommasAndWordsTogether) {
    EXPECT_EQ(expand("B=2 {len=3,0|len=1,2 gate=channel|}"), (Lines{"B=2 len=3,0", "B=2 len=1,2 gate=channel", "B=2 "}));
}

TEST(Cases, PairwiseCoversEveryPair) {
    const Lines lines = expand("pairwise a={1,2,3,4} b={1,2,3} c={1,2} d={1,2,3}");
    EXPECT_LT(lines.size(), 20u);  // of 72
    EXPECT_GE(lines.size(), 12u);
    const std::pair<const char*, int> keys[] = {{"a", 4}, {"b", 3}, {"c", 2}, {"d", 3}};
    for (const auto& [x, xs] : keys)
        for (const auto& [y, ys] : keys) {
            if (std::string(x) >= y) continue;
            std::set<std::pair<int64_t, int64_t>> seen;
            for (const std::string& l : lines) seen.insert({ops::Dims(l).integer(x, 0), ops::Dims(l).integer(y, 0)});
            EXPECT_EQ(seen.size(), size_t(xs * ys)) << x << " with " << y;
        }
    EXPECT_EQ(lines, expand("pairwise a={1,2,3,4} b={1,2,3} c={1,2} d={1,2,3}"));
}

TEST(Cases, CommentsAndBlankLinesAreDropped) {
    EXPECT_EQ(case_lines("# nothing\n\n  S=16 # why\nS=32\n"), (Lines{"S=16", "S=32"}));
}

TEST(Cases, IncludeFollowsTheTier) {
    const Lines smoke = case_lines(tier_text("gated_delta_net", "smoke"), "gated_delta_net");
    EXPECT_FALSE(smoke.empty());
    EXPECT_EQ(case_lines("include smoke\n", "gated_delta_net"), smoke);
    EXPECT_THROW(case_lines("include smock\n", "gated_delta_net"), Error);
}

TEST(Cases, TheDriversWordsAreItsOwn) {
    const Case c("check=serial S=16 align=4 expect=zero T=2");
    EXPECT_EQ(c.check, "serial");
    EXPECT_EQ(c.expect, "zero");
    EXPECT_EQ(c.align, 4);
    EXPECT_EQ(c.dims.text(), "S=16 T=2");
    EXPECT_EQ(Case("S=16").check, "reference");
    EXPECT_EQ(Case("S=16").align, 16);
}

TEST(Cases, NonsenseIsRefused) {
    EXPECT_THROW(expand("T={1,2"), Error);
    EXPECT_THROW(Case("align=3"), Error);
    EXPECT_THROW(Case("expect=luck"), Error);
    EXPECT_THROW(Case("word"), Error);
}

TEST(Cases, EveryTierOfEveryOpParses) {
    for (const char* tier : {"smoke", "ci", "all", "perf"})
        for (const char* stem : {"gated_delta_net", "gated_delta_net_ring", "gated_delta_net_materialize"})
            for (const std::string& line : case_lines(tier_text(stem, tier), stem)) EXPECT_NO_THROW(Case{line}) << line;
}

}  // namespace
}  // namespace rw::test
