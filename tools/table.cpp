#include "tools/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace rw::tools {
namespace {

/// Columns of UTF-8 text on a terminal: bytes that do not continue a character.
size_t width(const std::string& text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string three_digits(double x) {
    const double a = std::fabs(x);
    return fmt::format("{:.{}f}", x, a >= 99.95 || a == 0 ? 0 : a >= 9.995 ? 1 : 2);
}

}  // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
    for (std::string& h : headings_) {
        right_.push_back(h.starts_with('>'));
        if (right_.back()) h.erase(0, 1);
    }
}

void Table::row(std::vector<std::string> cells) {
    cells.resize(headings_.size());
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
    std::vector<size_t> widths;
    for (size_t c = 0; c < headings_.size(); ++c) {
        widths.push_back(width(headings_[c]));
        for (const auto& row : rows_) widths[c] = std::max(widths[c], width(row[c]));
    }
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string text;
        for (size_t c = 0; c < cells.size(); ++c) {
            const std::string pad(widths[c] - width(cells[c]), ' ');
            text += (c ? "  " : "") + (right_[c] ? pad + cells[c] : cells[c] + pad);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out << text << "\n";
    };
    line(headings_);
    for (const auto& row : rows_) line(row);
}

void Table::print_markdown(std::ostream& out) const {
    const auto line = [&](const std::vector<std::string>& cells) {
        for (const std::string& cell : cells) out << "| " << cell << " ";
        out << "|\n";
    };
    line(headings_);
    for (const bool right : right_) out << (right ? "|--:" : "|---");
    out << "|\n";
    for (const auto& row : rows_) line(row);
}

std::string duration(double seconds) {
    static constexpr const char* units[] = {"ns", "µs", "ms"};
    double x = seconds * 1e9;
    for (const char* unit : units) {
        if (x < 999.5) return three_digits(x) + " " + unit;
        x /= 1000;
    }
    return three_digits(x) + " s";
}

std::string bytes_text(double bytes) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB"};
    for (const char* unit : units) {
        if (bytes < 1023.5) return (*unit == 'B' ? fmt::format("{:.0f}", bytes) : three_digits(bytes)) + " " + unit;
        bytes /= 1024;
    }
    return three_digits(bytes) + " TiB";
}

std::string rate(double per_second) { return three_digits(per_second / 1e9); }

std::string percent(double share) { return fmt::format("{:.{}f} %", 100 * share, share < 0.0995 ? 1 : 0); }

std::string scientific(double x) { return x == 0 ? "0" : fmt::format("{:.1e}", x); }

}  // namespace rw::tools
