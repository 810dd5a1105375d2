// The conformance driver: one engine over text cases, behind `rewind ops test`, ctest and the property tests.
// How to write cases, suites and checks: tests/README.md.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace rw::test {

struct Options {
    std::string op;         // name or stem; empty: all ops
    std::string backend;    // "cpu", "vulkan", "vulkan:1", a comma list of those; empty: every device present
    std::string impl;       // one implementation, e.g. "cpu:plain"; empty: every one that takes the case
    std::string cases;      // file of cases; needs op
    std::string one;        // one case line; needs op
    std::string tier = "smoke";  // smoke | ci | all, when neither of the two above is given
    std::string check;      // only the cases with this check; empty: all
    uint64_t seed = 1;
    double seconds = 0;     // 0: all cases. Else a budget an op; the cases are then taken spread over the list, and those
                            // that the budget did not reach are counted as skipped
    bool verbose = false;   // a line for every test, passed ones too
    std::ostream* out = nullptr;  // null: std::cout
};

/// The text of a file of case lines; throws Error(io) that names it.
std::string case_file(const std::string& path);

/// Runs the cases and prints what failed, each with a line that replays it. The last line printed is
/// "N passed, N failed", followed by ", N skipped" and ", N mistrusted" where there are any. Returns the exit status: 0
/// when something ran, nothing failed and nothing was mistrusted; 1 when something did; 2 for options that make no sense
/// (a backend, device, implementation or check that does not exist); 77 when nothing ran: a backend of this build has no
/// device here, or no implementation took any case.
int run_ops_test(const Options& options);

}  // namespace rw::test
