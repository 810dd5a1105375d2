// Numbers within bounds, by their digits.
#pragma once

#include "runtime/grammar/expression.h"

namespace rw::grammar {

/// The widest bounds: eighteen digits.
inline constexpr int64_t most_integer = 999'999'999'999'999'999;

/// Whole numbers from first to last, first <= last, both within ±most_integer.
Expression integers(int64_t first, int64_t last);

struct Bounds {
    int64_t first, last;
    bool first_open = false, last_open = false;  // the bound itself is not meant
};
/// Decimal numbers within bounds that leave some; they have no exponent.
Expression decimals(Bounds bounds);

}  // namespace rw::grammar
