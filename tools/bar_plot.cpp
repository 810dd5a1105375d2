#include "tools/bar_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace rw::tools {
namespace {

constexpr double left = 60, top = 50, height = 280, group_width = 92, legend = 110;
constexpr const char* palette[] = {"#8a939a", "#9ec7e8", "#5b9fd0", "#1f6fb4", "#154a78", "#d9622b", "#2d8a4e"};

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    return out;
}

/// 1, 2 or 5 times a power of ten, so that there are up to six lines.
double step_of(double most) {
    const double power = std::pow(10, std::floor(std::log10(most)));
    for (const double step : {0.2, 0.5, 1.0, 2.0})
        if (most / (step * power) <= 6) return step * power;
    return 5 * power;
}

}  // namespace

std::string svg(const Bars& bars) {
    double most = std::max(bars.line, 1e-9);
    for (const auto& row : bars.height)
        for (const double h : row) most = std::max(most, h);
    const double width = group_width * double(bars.groups.size()), step = step_of(most);
    const auto y_of = [&](double value) { return top + height * (1 - value / most); };
    std::string s = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0f}\" height=\"{:.0f}\" "
                                "font-family=\"sans-serif\" font-size=\"12\">\n"
                                "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                                left + width + legend, top + height + 40);
    const auto text = [&](double x, double y, const char* anchor, const std::string& words, const char* more = "") {
        s += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more, escaped(words));
    };
    const auto across = [&](double value, const char* colour) {
        s += fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>\n", left, left + width,
                         y_of(value), colour);
    };
    text(left, 22, "start", bars.title, " font-size=\"15\" font-weight=\"bold\"");
    text(left, top - 10, "start", bars.y_title, " fill=\"#666\"");
    for (double v = 0; v <= most * 1.0001; v += step) {
        across(v, "#e4e4e4");
        text(left - 8, y_of(v) + 4, "end", fmt::format("{:g}", v));
    }
    const double bar = (group_width - 14) / double(std::max<size_t>(bars.series.size(), 1));
    for (size_t k = 0; k < bars.series.size(); ++k) {
        const char* colour = palette[k % std::size(palette)];
        for (size_t g = 0; g < bars.groups.size() && g < bars.height[k].size(); ++g) {
            const double y = y_of(bars.height[k][g]);
            s += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n",
                             left + 7 + group_width * double(g) + bar * double(k), y, bar - 1, top + height - y, colour);
        }
        const double row = top + 10 + 18 * double(k);
        s += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>\n", left + width + 14, row - 10, colour);
        text(left + width + 32, row, "start", bars.series[k]);
    }
    for (size_t g = 0; g < bars.groups.size(); ++g)
        text(left + group_width * (double(g) + 0.5), top + height + 18, "middle", bars.groups[g]);
    if (bars.line > 0) across(bars.line, "#444");
    return s + "</svg>\n";
}

}  // namespace rw::tools
