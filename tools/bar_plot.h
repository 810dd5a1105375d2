// Groups of bars as SVG.
#pragma once

#include <string>
#include <vector>

namespace rw::tools {

struct Bars {
    std::string title, y_title;
    std::vector<std::string> groups, series;
    std::vector<std::vector<double>> height;  // [series][group], none negative
    double line = 0;                          // drawn across, where it is above 0
};

std::string svg(const Bars& bars);

}  // namespace rw::tools
