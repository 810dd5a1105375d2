#include "tests/driver/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace rw::test {
namespace {

constexpr int64_t few = 16;  // elements of a group that chance may make small together

struct Group {
    double error = 0, power = 0, terms = 0, largest = -1;
    int64_t count = 0, worst_element = -1, mismatched = -1, nans_wanted = 0, nans_got = 0;
};

std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", x);
    return text;
}

/// Adds one element; anything but two finite numbers has to be equal.
void add(Group& g, int64_t element, double want, double got, double terms) {
    ++g.count;
    g.nans_wanted += std::isnan(want), g.nans_got += std::isnan(got);
    if (std::isfinite(want) && std::isfinite(got)) {
        const double e = (got - want) * (got - want);
        g.error += e, g.power += want * want, g.terms += terms * terms;
        if (e > g.largest) g.largest = e, g.worst_element = element;
    } else if (!(std::isnan(want) && std::isnan(got)) && want != got && g.mismatched < 0) {
        g.mismatched = element;
    }
}

std::string judge(const Compared& c, const Group& g, double& worst) {
    const auto element = [&](int64_t e) {
        return "element " + std::to_string(e) + " is " + number((*c.got)[size_t(e)]) + ", expected " +
               number((*c.want)[size_t(e)]);
    };
    if (c.nans == Nans::per_group && (g.nans_wanted || g.nans_got)) {
        if (g.nans_wanted && g.nans_got) return "";
        return g.nans_wanted ? "no NaN, expected some" : "NaN where none belongs: " + element(g.mismatched);
    }
    if (g.mismatched >= 0) return element(g.mismatched);
    const double nmse = g.error / std::max({g.power, g.count < few ? g.terms : 0, floor_power * double(g.count)});
    worst = std::max(worst, nmse);
    if (nmse <= c.tolerance) return "";
    return "NMSE " + number(nmse) + " > " + number(c.tolerance) + ", worst at " + element(g.worst_element);
}

}  // namespace

bool same_bits(double x, double y) {
    return (std::isnan(x) && std::isnan(y)) || std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
}

Grouping by_blocks(int64_t elements, int64_t block, std::function<std::string(int64_t)> spell) {
    return {elements / block, [block](int64_t e) { return e / block; }, std::move(spell)};
}

Grouping by_dims(const Extent& ne, unsigned mask) {
    Grouping g;
    for (int d = 0; d < 4; ++d)
        if (mask >> d & 1) g.count *= ne[size_t(d)];
    g.of = [ne, mask](int64_t e) {
        int64_t group = 0, step = 1;
        for (int d = 0; d < 4; e /= ne[size_t(d)], ++d)
            if (mask >> d & 1) group += e % ne[size_t(d)] * step, step *= ne[size_t(d)];
        return group;
    };
    g.label = [ne, mask](int64_t group) {
        std::string s = "[";
        for (int d = 0; d < 4; ++d) {
            s += d ? ", " : "";
            if (mask >> d & 1) s += std::to_string(group % ne[size_t(d)]), group /= ne[size_t(d)];
            else s += ":";
        }
        return s + "]";
    };
    return g;
}

Verdict compare(const Compared& c) {
    Verdict v;
    std::vector<Group> groups(static_cast<size_t>(c.grouping.count));
    int64_t missing = 0, first_missing = -1, stray = 0, first_stray = -1, compared = 0, telling = 0, nan = 0;
    for (size_t e = 0; e < c.want->size(); ++e) {
        const bool touched = !c.touched || c.touched->empty() || (*c.touched)[e];
        if (c.written && !c.written->empty() && !(*c.written)[e]) {
            if (c.touched && !c.touched->empty() && touched && stray++ == 0) first_stray = int64_t(e);
            continue;
        }
        if (c.poisoned && !touched && missing++ == 0) first_missing = int64_t(e);
        const double want = (*c.want)[e];
        const double terms = c.terms.empty() ? 0 : c.terms[e];
        add(groups[size_t(c.grouping.of(int64_t(e)))], int64_t(e), want, (*c.got)[e], terms);
        ++compared, nan += std::isnan(want), telling += !std::isnan(want) && want != 0;
    }
    if (stray)
        v.problems.push_back(c.name + ": " + std::to_string(stray) + " elements written that must not be, the first is " +
                             std::to_string(first_stray));
    if (missing)
        v.problems.push_back(c.name + ": " + std::to_string(missing) + " elements not written, the first is " +
                             std::to_string(first_missing));
    for (size_t g = 0; g < groups.size(); ++g)
        if (const std::string what = groups[g].count ? judge(c, groups[g], v.worst) : ""; !what.empty())
            v.problems.push_back(c.name + " " + c.grouping.label(int64_t(g)) + ": " + what);
    if (compared == 0) v.mistrust = "untouched";
    else if (nan == compared) v.mistrust = "nan";
    else if (telling == 0) v.mistrust = "zero";
    return v;
}

}  // namespace rw::test
