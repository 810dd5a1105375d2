#include "bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace rw::bench {
namespace {

constexpr double left = 70, top = 44, width = 520, height = 330, legend = 200;
constexpr const char* palette[] = {"#1f6fb4", "#d9622b", "#2d8a4e", "#8b4fb0", "#b5952a", "#5b6770"};

struct Axis {
    double low, high, from, to;  // powers: base^low .. base^high over pixels from .. to
    double base;
    double at(double value) const {
        return from + (to - from) * (std::log(value) / std::log(base) - low) / std::max(high - low, 1e-9);
    }
};

Axis axis(double least, double most, double base, double from, double to) {
    const double low = std::floor(std::log(least) / std::log(base) + 1e-9), high = std::ceil(std::log(most) / std::log(base) - 1e-9);
    return {low, std::max(high, low + 1), from, to, base};
}

std::string label(double value) {
    static constexpr std::pair<double, const char*> units[] = {{1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}, {1e-9, " ns"}};
    for (const auto& [unit, name] : units)
        if (value >= unit * 0.999) return fmt::format("{:.0f}{}", value / unit, name);
    return fmt::format("{:.0e} s", value);
}

}  // namespace

std::string svg(const std::string& title, const std::string& x_title, const std::string& y_title, const std::vector<Line>& lines) {
    double x0 = std::numeric_limits<double>::infinity(), x1 = 0, y0 = x0, y1 = 0;
    for (const Line& line : lines)
        for (const auto& [x, y] : line.points) x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
    if (!(x1 > 0 && y1 > 0)) x0 = y0 = 1, x1 = y1 = 10;
    const Axis x = axis(x0, x1, 2, left, left + width), y = axis(y0, y1, 10, top + height, top);

    std::string s = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0f}\" height=\"{:.0f}\" "
                                "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                                left + width + legend, top + height + 56);
    const auto text = [&](double px, double py, const char* anchor, const std::string& words, const char* more = "") {
        s += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", px, py, anchor, more, words);
    };
    text(left, 24, "start", title, " font-size=\"15\" font-weight=\"bold\"");
    for (double p = x.low; p <= x.high; ++p) {
        const double px = x.at(std::pow(2, p));
        s += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#e4e4e4\"/>\n", px, top, top + height);
        text(px, top + height + 18, "middle", fmt::format("{:.0f}", std::pow(2, p)));
    }
    for (double p = y.low; p <= y.high; ++p) {
        const double py = y.at(std::pow(10, p));
        s += fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#e4e4e4\"/>\n", left, left + width, py);
        text(left - 8, py + 4, "end", label(std::pow(10, p)));
    }
    text(left + width / 2, top + height + 40, "middle", x_title);
    text(left, top - 6, "start", y_title, " fill=\"#666\"");
    double row = top + 10;
    for (const Line& line : lines) {
        const char* colour = palette[size_t(line.colour) % std::size(palette)];
        const char* dash = line.dashed ? " stroke-dasharray=\"6 4\"" : "";
        std::string path;
        for (const auto& [px, py] : line.points) {
            path += fmt::format("{:.1f},{:.1f} ", x.at(px), y.at(py));
            s += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"{}\"/>\n", x.at(px), y.at(py), colour);
        }
        s += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\"{}/>\n", path, colour, dash);
        s += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-width=\"1.8\"{}/>\n",
                         left + width + 14, left + width + 40, row - 4, row - 4, colour, dash);
        text(left + width + 46, row, "start", line.name);
        row += 18;
    }
    return s + "</svg>\n";
}

}  // namespace rw::bench
