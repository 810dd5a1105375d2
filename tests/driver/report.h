// Counting and printing what the driver found.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace rw::test {

/// Exit status of a run in which no implementation ran at all, as ctest's SKIP_RETURN_CODE has it.
inline constexpr int nothing_ran = 77;

enum class Result { passed, failed, skipped, mistrusted };

struct Finding {
    std::string op, device, implementation, line;
    Result result = Result::passed;
    std::vector<std::string> notes;  // problems, or why it was skipped or is mistrusted
    double worst = 0, seconds = 0;
};

/// The command that runs what a finding is of once more.
std::string replay(const Finding& f, uint64_t seed);

class Report {
public:
    Report(std::ostream& out, uint64_t seed, bool verbose) : out_(out), seed_(seed), verbose_(verbose) {}
    void add(const Finding& f);
    void note(const std::string& line) { out_ << line << "\n"; }
    /// Prints totals per op, device and implementation, then the last line; returns the exit status.
    int finish();

private:
    struct Total {
        int count[4] = {0, 0, 0, 0};
        double worst = 0, seconds = 0;
    };
    std::ostream& out_;
    uint64_t seed_;
    bool verbose_;
    std::map<std::string, Total> totals_;
    std::map<std::string, int> skips_;  // reason to count
    std::vector<Finding> distrusted_;
};

}  // namespace rw::test
