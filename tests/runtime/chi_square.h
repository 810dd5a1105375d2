// Whether draws are from a distribution: the chi-square test, whose bound chance passes once in a million times
// (Wilson and Hilferty 1931). Tokens that are expected less than ten times are counted together.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace rw::test {

inline bool drawn_from(const std::vector<double>& probabilities, const std::vector<int64_t>& counts) {
    double draws = 0;
    for (const int64_t c : counts) draws += double(c);
    struct Group {
        double count = 0, expected = 0;
    };
    std::vector<Group> groups;
    Group rare;
    for (size_t i = 0; i < counts.size(); ++i) {
        const Group g{double(counts[i]), probabilities[i] * draws};
        if (g.expected == 0 && g.count > 0) return false;
        if (g.expected >= 10) groups.push_back(g);
        else rare.count += g.count, rare.expected += g.expected;
    }
    if (groups.size() < 2) return false;  // nothing would be tested
    if (rare.expected >= 10) groups.push_back(rare);
    else groups.back().count += rare.count, groups.back().expected += rare.expected;
    double square = 0;
    for (const Group& g : groups) square += std::pow(g.count - g.expected, 2) / g.expected;
    const double k = double(groups.size() - 1), z = 4.7534;
    return square < k * std::pow(1 - 2 / (9 * k) + z * std::sqrt(2 / (9 * k)), 3);
}

}  // namespace rw::test
