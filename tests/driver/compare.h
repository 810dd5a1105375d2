// Comparing outputs with what was expected, group by group: one number for a whole tensor hides a wrong head.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/driver/guard.h"

namespace rw::test {

/// Which group an element of an argument belongs to: states are grouped by (slot, row, head), token tensors by
/// (sequence, head).
struct Grouping {
    int64_t count = 1;
    std::function<int64_t(int64_t element)> of = [](int64_t) { return int64_t(0); };
    std::function<std::string(int64_t group)> label = [](int64_t) { return std::string("all"); };
};

/// Consecutive blocks of `block` elements; `spell` names block number i.
Grouping by_blocks(int64_t elements, int64_t block, std::function<std::string(int64_t)> spell);
/// All elements with equal coordinates in the dimensions of the mask (bit d: dimension d).
Grouping by_dims(const Extent& ne, unsigned mask);

enum class Nans {
    exact,      // NaN where the expected value is NaN and nowhere else
    per_group,  // a group has NaNs if and only if it is expected to have some; such groups are not compared further
};

struct Verdict {
    std::vector<std::string> problems;  // empty: passed
    std::string mistrust;               // why the comparison could not have failed; empty: it could
    double worst = 0;                   // largest NMSE of a group
    bool ok() const { return problems.empty(); }
};

inline const std::vector<double> no_terms;

/// One output against its expectation. `written` and `got.touched` may be empty: then every element is compared and
/// nothing is said about writing.
struct Compared {
    std::string name;
    const std::vector<double>* want;
    const std::vector<uint8_t>* written;
    const std::vector<double>* got;
    const std::vector<uint8_t>* touched;
    bool poisoned;  // untouched means not written
    double tolerance;
    Grouping grouping;
    Nans nans = Nans::exact;
    const std::vector<double>& terms = no_terms;  // Suite::terms
};
Verdict compare(const Compared& c);

/// Mean square below which a group counts as zero: what flushing denormals may do to it is nobody's fault.
inline constexpr double floor_power = 1e-60;

/// Equal bits, any NaN equal to any NaN.
bool same_bits(double x, double y);

}  // namespace rw::test
