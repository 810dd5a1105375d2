// What contracts are written with: checks whose words cost nothing until they are needed, numbers out of texts.
#include <gtest/gtest.h>

#include <clocale>

#include "rewind/ops/registry.h"

namespace rw::ops {
namespace {

/// Knows whether somebody read it.
struct Word {
    operator std::string_view() const { return read = true, "word"; }
    mutable bool read = false;
};

TEST(Checks, PutTheirMessageTogetherOnlyToThrowIt) {
    const Call call;
    const Check check("AN_OP", call);
    const Word quiet, loud;
    check.that(true, "x: ", quiet), check.supported(true, quiet, 3);
    EXPECT_FALSE(quiet.read);
    try {
        check.that(false, "x: ", loud, " is ", int64_t(-3), ", not ", uint32_t(4));
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::invalid_argument);
        EXPECT_STREQ(e.what(), "AN_OP: x: word is -3, not 4");
    }
    try {
        check.supported(false, "y");
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::unsupported);
    }
}

TEST(Numbers, AreDecimalAndNothingElse) {
    double value = 7;
    for (const char* bad : {"", " 1", "1 ", "0x10", "1,5", "1e", "--1", "1.5.2"}) {
        EXPECT_FALSE(parse_number(bad, value)) << bad;
        EXPECT_EQ(value, 7) << bad;
    }
    EXPECT_TRUE(parse_number("-1.5e-3", value));
    EXPECT_EQ(value, -1.5e-3);
}

TEST(Numbers, DoNotFollowTheLocale) {
    const std::string before = std::setlocale(LC_NUMERIC, nullptr);
    bool comma = false;
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) comma = comma || std::setlocale(LC_NUMERIC, name);
    double value = 0;
    EXPECT_TRUE(parse_number("0.5", value));
    EXPECT_EQ(value, 0.5);
    std::setlocale(LC_NUMERIC, before.c_str());
    if (!comma) GTEST_SKIP() << "no locale with a decimal comma here";
}

TEST(Words, WholeNumbersFitSixtyFourBits) {
    EXPECT_EQ(Dims("n=4096").integer("n", 0), 4096);
    for (const char* bad : {"n=1e30", "n=-1e30", "n=nan", "n=inf", "n=1.5", "n=0x10"})
        EXPECT_THROW(Dims(bad).integer("n", 0), Error) << bad;
}

}  // namespace
}  // namespace rw::ops
