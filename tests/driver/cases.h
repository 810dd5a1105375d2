// Case lines: `key=value` words for op.example(), plus a few for the driver.
//
//   # comment
//   S=64 T={1,2,3} K={1,4}                 braces multiply: 6 cases. Inside braces alternatives are separated by
//   {len=3,0|len=1,2 gate=channel}         commas, or by | when there is one, and may hold several words or none
//   pairwise S={16,32} T={1,2,3} K={1,4}   as few cases as cover every pair of alternatives of two braces
//   include smoke                          the lines of the same op's other tier
//
// Words of the driver: check (default reference; the others are in suite.h), expect=zero|nan|untouched (what makes a
// case trusted although the reference of an output is all zero or all NaN, or nothing is written; expect=zero:out,base for
// these outputs alone), align (bytes that tensor starts are
// aligned to; default 16, with the offset varied).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::test {

struct Case {
    explicit Case(const std::string& line);
    std::string line;  // as it was written, braces expanded
    ops::Dims dims;    // without the driver's words
    std::string check, expect;
    int64_t align;
    /// True when the case says that this output ("": all that it compares) is `what`.
    bool expected(const std::string& output, const std::string& what) const;
};

/// All lines that one line with braces stands for.
std::vector<std::string> expand(std::string_view line);
/// The lines of a text, comments dropped, braces expanded, includes followed in the op's tiers.
std::vector<std::string> case_lines(std::string_view text, const std::string& stem = "");
/// The text of tests/cases/<stem>.<tier>; throws Error(not_found).
std::string_view tier_text(const std::string& stem, const std::string& tier);

}  // namespace rw::test
