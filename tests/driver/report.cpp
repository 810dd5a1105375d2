#include "tests/driver/report.h"

#include <iomanip>
#include <sstream>

namespace rw::test {
namespace {

constexpr size_t most_notes = 8;
constexpr const char* words[] = {"pass", "FAIL", "skip", "MISTRUSTED"};

}  // namespace

std::string replay(const Finding& f, uint64_t seed) {
    return "rewind ops test --op " + f.op + (f.device.empty() ? "" : " --backend " + f.device) +
           (f.implementation.empty() ? "" : " --impl " + f.implementation) + " --seed " + std::to_string(seed) +
           " --case \"" + f.line + "\"";
}

void Report::add(const Finding& f) {
    Total& total = totals_[f.op + " " + f.device + " " + f.implementation];
    ++total.count[int(f.result)];
    total.worst = std::max(total.worst, f.worst), total.seconds += f.seconds;
    if (f.result == Result::skipped)
        for (const std::string& n : f.notes) ++skips_[f.op + " on " + f.device + ": " + n];
    if (f.result == Result::mistrusted) distrusted_.push_back(f);
    if (!verbose_ && f.result != Result::failed) return;
    out_ << words[int(f.result)] << " " << f.op << " " << f.device << " " << f.implementation << ": " << f.line;
    if (f.result == Result::passed)
        out_ << "  (NMSE " << std::scientific << std::setprecision(1) << f.worst << std::defaultfloat << ", " << std::fixed
             << std::setprecision(3) << f.seconds << " s)" << std::defaultfloat;
    out_ << "\n";
    for (size_t i = 0; i < f.notes.size() && i < most_notes; ++i) out_ << "    " << f.notes[i] << "\n";
    if (f.notes.size() > most_notes) out_ << "    and " << f.notes.size() - most_notes << " more\n";
    if (f.result == Result::failed) out_ << "    replay: " << replay(f, seed_) << "\n";
    out_.flush();
}

int Report::finish() {
    int sum[4] = {0, 0, 0, 0};
    for (const auto& [name, t] : totals_) {
        for (int i = 0; i < 4; ++i) sum[i] += t.count[i];
        std::ostringstream line;
        line << "  " << std::left << std::setw(60) << name << std::right << std::setw(6) << t.count[0] << " passed"
             << std::setw(5) << t.count[1] << " failed" << std::setw(5) << t.count[2] << " skipped  worst NMSE "
             << std::scientific << std::setprecision(1) << t.worst << std::fixed << std::setw(8) << t.seconds << " s";
        out_ << line.str() << "\n";
    }
    for (const auto& [reason, count] : skips_) out_ << "skipped " << count << ": " << reason << "\n";
    for (const Finding& f : distrusted_)
        out_ << "MISTRUSTED " << f.op << " " << f.device << " " << f.implementation << ": " << f.line << "\n    "
             << (f.notes.empty() ? "" : f.notes.front()) << "\n    replay: " << replay(f, seed_) << "\n";
    out_ << sum[0] << " passed, " << sum[1] << " failed";
    if (sum[2]) out_ << ", " << sum[2] << " skipped";
    if (sum[3]) out_ << ", " << sum[3] << " mistrusted";
    out_ << std::endl;
    if (sum[0] + sum[1] + sum[3] == 0) return nothing_ran;
    return sum[1] || sum[3] ? 1 : 0;
}

}  // namespace rw::test
