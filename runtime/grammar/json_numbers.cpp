#include "runtime/grammar/json_numbers.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace rw::grammar {
namespace {

Expression digits(char first, char last) { return one_of(Spans{{char32_t(first), char32_t(last)}}); }
Expression any_digits(size_t count) { return repeat(digits('0', '9'), uint32_t(count), uint32_t(count)); }
bool all(std::string_view text, char c) { return std::count(text.begin(), text.end(), c) == std::ptrdiff_t(text.size()); }

/// Of the same length, first <= last.
Expression between(const std::string& first, const std::string& last) {
    if (first == last) return text(first);
    if (all(first, '0') && all(last, '9')) return any_digits(first.size());
    const std::string low = first.substr(1), high = last.substr(1);
    if (first[0] == last[0]) return sequence({text(first.substr(0, 1)), between(low, high)});
    std::vector<Expression> ways;
    char from = first[0], to = last[0];  // digits behind which anything may come
    if (!all(low, '0')) ways.push_back(sequence({text(std::string(1, from++)), between(low, std::string(low.size(), '9'))}));
    if (!all(high, '9')) ways.push_back(sequence({text(std::string(1, to--)), between(std::string(high.size(), '0'), high)}));
    if (from <= to) ways.push_back(sequence({digits(from, to), any_digits(low.size())}));
    return choice(std::move(ways));
}

/// 0 <= first <= last.
Expression naturals(int64_t first, int64_t last) {
    std::vector<Expression> ways;
    for (int64_t low = 0, high = 9;; low = high + 1, high = 10 * high + 9) {
        if (first <= high && low <= last) ways.push_back(between(std::to_string(std::max(low, first)), std::to_string(std::min(high, last))));
        if (last <= high) return choice(std::move(ways));
    }
}

/// Of no sign; 0 <= first.
Expression magnitudes(Bounds b) {
    const auto fraction = [] { return sequence({text("."), repeat(digits('0', '9'), 1, 16)}); };
    std::vector<Expression> ways;
    if (b.first_open && b.first < b.last) {  // 3.001, but not 3.000
        ways.push_back(sequence({text(std::to_string(b.first)), text("."), repeat(digits('0', '9'), 0, 15), digits('1', '9')}));
        ++b.first;
    }
    if (b.first < b.last) ways.push_back(sequence({naturals(b.first, b.last - 1), optional(fraction())}));
    if (!b.last_open) ways.push_back(sequence({text(std::to_string(b.last)), optional(sequence({text("."), repeat(text("0"), 1, 16)}))}));
    return choice(std::move(ways));
}

}  // namespace

Expression integers(int64_t first, int64_t last) {
    std::vector<Expression> ways;
    if (first < 0) ways.push_back(sequence({text("-"), naturals(std::max<int64_t>(1, -last), -first)}));
    if (last >= 0) ways.push_back(naturals(std::max<int64_t>(0, first), last));
    return choice(std::move(ways));
}

Expression decimals(Bounds b) {
    std::vector<Expression> ways;
    if (b.first < 0) {
        const bool below_zero = b.last <= 0;
        ways.push_back(sequence({text("-"), magnitudes({below_zero ? -b.last : 0, -b.first, below_zero && b.last_open, b.first_open})}));
    }
    if (b.last > 0 || (b.last == 0 && !b.last_open))
        ways.push_back(magnitudes({std::max<int64_t>(0, b.first), b.last, b.first >= 0 && b.first_open, b.last_open}));
    return choice(std::move(ways));
}

}  // namespace rw::grammar
