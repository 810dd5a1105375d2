// Text tables with aligned columns, and numbers as people read them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace rw::tools {

class Table {
public:
    /// A heading that starts with '>' makes its column right-aligned.
    explicit Table(std::vector<std::string> headings);
    void row(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }
    void print(std::ostream& out) const;
    void print_markdown(std::ostream& out) const;

private:
    std::vector<std::string> headings_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

std::string duration(double seconds);           // "12.3 µs"
std::string bytes_text(double bytes);           // "4.2 MiB"
std::string rate(double per_second);            // 3 significant digits of x / 1e9: "12.3"
std::string percent(double share);              // "87 %"
std::string scientific(double x);               // "3.1e-14"; 0 is "0"

}  // namespace rw::tools
