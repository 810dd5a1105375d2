// Checks of numbers on the command line, in words that a person reads.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <string>

namespace rw::tools {

template <class Number>
bool reads(const std::string& text, Number& value) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end;
}

/// CLI::NonNegativeNumber spells the largest double out.
inline const CLI::Validator at_least_zero([](std::string& text) {
    double value = 0;
    return reads(text, value) && value >= 0 ? std::string() : "expected a number, 0 or more; got " + text;
}, "NUMBER >= 0");

/// As a seed is: left to CLI11, -3 becomes 2^64 - 3.
inline const CLI::Validator whole_number([](std::string& text) {
    uint64_t value = 0;
    return reads(text, value) ? std::string() : "expected a whole number, 0 or more; got " + text;
}, "WHOLE NUMBER");

}  // namespace rw::tools
