#include "tests/driver/cases.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "embedded_cases.h"  // generated: struct { const char* stem; const char* tier; std::string_view text; } [...]

namespace rw::test {
namespace {

/// A line cut at its braces: texts[0] choice[0] texts[1] choice[1] ... texts[n].
struct Pattern {
    std::vector<std::string> texts;
    std::vector<std::vector<std::string>> choices;

    std::string line(const std::vector<size_t>& pick) const {
        std::string s = texts[0];
        for (size_t i = 0; i < choices.size(); ++i) s += choices[i][pick[i]] + texts[i + 1];
        return s;
    }
};

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    for (;;) {
        const size_t end = std::min(text.find(at), text.size());
        parts.emplace_back(text.substr(0, end));
        if (end == text.size()) return parts;
        text.remove_prefix(end + 1);
    }
}

Pattern parse(std::string_view line) {
    Pattern p;
    for (;;) {
        const size_t open = line.find('{');
        p.texts.emplace_back(line.substr(0, open));
        if (open == line.npos) return p;
        const size_t close = line.find('}', open);
        if (close == line.npos) throw Error(Status::invalid_argument, "case: '{' without '}': " + std::string(line));
        const std::string_view inside = line.substr(open + 1, close - open - 1);
        p.choices.push_back(split(inside, inside.find('|') == inside.npos ? ',' : '|'));
        line.remove_prefix(close + 1);
    }
}

std::vector<std::string> product(const Pattern& p) {
    std::vector<std::string> lines;
    std::vector<size_t> pick(p.choices.size(), 0);
    for (;;) {
        lines.push_back(p.line(pick));
        size_t i = pick.size();
        while (i > 0 && ++pick[i - 1] == p.choices[i - 1].size()) pick[--i] = 0;
        if (i == 0) return lines;
    }
}

/// Greedy all-pairs: each new line takes, choice by choice, the alternative that covers most pairs not seen yet.
std::vector<std::string> pairwise(const Pattern& p) {
    const size_t n = p.choices.size();
    if (n < 2) return product(p);
    std::set<std::array<size_t, 4>> open;  // (i, a, j, b) with i < j
    for (size_t i = 0; i < n; ++i)
        for (size_t j = i + 1; j < n; ++j)
            for (size_t a = 0; a < p.choices[i].size(); ++a)
                for (size_t b = 0; b < p.choices[j].size(); ++b) open.insert({i, a, j, b});
    const auto pair = [](size_t i, size_t a, size_t j, size_t b) {
        return i < j ? std::array<size_t, 4>{i, a, j, b} : std::array<size_t, 4>{j, b, i, a};
    };
    std::vector<std::string> lines;
    while (!open.empty()) {
        const auto seed = *open.begin();
        std::vector<size_t> pick(n, size_t(-1));
        pick[seed[0]] = seed[1], pick[seed[2]] = seed[3];
        for (size_t i = 0; i < n; ++i) {
            if (pick[i] != size_t(-1)) continue;
            size_t best = 0, most = 0;
            for (size_t c = 0; c < p.choices[i].size(); ++c) {
                const size_t a = (c + lines.size()) % p.choices[i].size();  // ties go round, not always to the first
                size_t covered = 1;
                for (size_t j = 0; j < n; ++j) covered += j != i && pick[j] != size_t(-1) && open.count(pair(i, a, j, pick[j]));
                if (covered > most) most = covered, best = a;
            }
            pick[i] = best;
        }
        for (size_t i = 0; i < n; ++i)
            for (size_t j = i + 1; j < n; ++j) open.erase({i, pick[i], j, pick[j]});
        lines.push_back(p.line(pick));
    }
    return lines;
}

std::string take(ops::Dims& dims, std::string& rest, const std::string& key, const std::string& fallback) {
    const std::string value = dims.word(key, fallback);
    std::string kept;
    std::istringstream words(rest);
    for (std::string word; words >> word;)
        if (!word.starts_with(key + "=")) kept += (kept.empty() ? "" : " ") + word;
    rest = kept;
    return value;
}

}  // namespace

Case::Case(const std::string& text) : line(text), dims(text) {
    std::string rest = text;
    check = take(dims, rest, "check", "reference");
    expect = take(dims, rest, "expect", "");
    const std::string bytes = take(dims, rest, "align", "16");
    align = ops::Dims("align=" + bytes).integer("align", 16);
    const std::string what = expect.substr(0, expect.find(':'));
    if (expect != "" && what != "zero" && what != "nan" && expect != "untouched")
        throw Error(Status::invalid_argument, "case: expect=" + expect + ": it is zero, nan or untouched; zero:out,state_out "
                                              "for some outputs only");
    if (align < 4 || (align & (align - 1)))
        throw Error(Status::invalid_argument, "case: align=" + bytes + ": expected a power of two, 4 or more");
    dims = ops::Dims(rest);
}

bool Case::expected(const std::string& output, const std::string& what) const {
    const size_t colon = expect.find(':');
    if (expect.substr(0, colon) != what) return false;
    if (colon == expect.npos) return true;
    const std::vector<std::string> names = split(std::string_view(expect).substr(colon + 1), ',');
    return std::find(names.begin(), names.end(), output) != names.end();
}

std::vector<std::string> expand(std::string_view line) {
    constexpr std::string_view word = "pairwise ";
    return line.starts_with(word) ? pairwise(parse(line.substr(word.size()))) : product(parse(line));
}

std::vector<std::string> case_lines(std::string_view text, const std::string& stem) {
    std::vector<std::string> lines;
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
        line.erase(std::min(line.find('#'), line.size()));
        while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
        line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
        if (line.empty()) continue;
        const bool other = line.starts_with("include ");
        for (std::string& l : other ? case_lines(tier_text(stem, line.substr(8)), stem) : expand(line))
            lines.push_back(std::move(l));
    }
    return lines;
}

std::string_view tier_text(const std::string& stem, const std::string& tier) {
    for (const auto& e : embedded_cases)
        if (stem == e.stem && tier == e.tier) return e.text;
    throw Error(Status::not_found, "no tier '" + tier + "' of " + stem + "; there are smoke, ci, all and perf");
}

}  // namespace rw::test
