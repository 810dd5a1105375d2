// A log-log line plot as SVG.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace rw::bench {

struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;  // both coordinates > 0
    bool dashed = false;
    int colour = 0;  // index into the palette; lines of one device share it
};

std::string svg(const std::string& title, const std::string& x_title, const std::string& y_title, const std::vector<Line>& lines);

}  // namespace rw::bench
