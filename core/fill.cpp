#include "core/fill.h"

#include <cmath>
#include <limits>

#include "core/convert.h"

namespace rw::core {
namespace {

constexpr double by_slot[] = {0.1, 1e4, 0};  // states: normal, huge, zero
constexpr double infinity = std::numeric_limits<double>::infinity();

uint64_t mix(uint64_t x) {  // splitmix64 finaliser
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/// Draws for one argument: u(i) and n(i) of element i.
struct Draw {
    uint64_t seed, stream;
    double u(uint64_t i) const { return uniform(seed, stream, i); }
    double between(uint64_t i, double lo, double hi) const { return lo + (hi - lo) * u(i); }
    double n(uint64_t i) const { return normal(seed, stream, i); }
};

double gate(const std::string& style, const Draw& draw, uint64_t i, uint64_t head, uint64_t channel, uint64_t token) {
    if (style == "strong") return draw.between(i, -20, -1e-4);
    if (style == "weak") return draw.between(i, -0.0101, -1e-4);
    if (style == "zero") return 0;
    if (style == "tiny") return -1e-6;
    if (style == "reset") return token % 7 == 3 ? -1e4 : draw.between(i, -0.0101, -1e-4);
    if (style == "inf") return token % 11 == 5 ? -infinity : draw.between(i, -0.0101, -1e-4);
    if (style == "up") return draw.between(i, 0, 0.002);
    if (style == "dead") return channel % 5 == 2 ? -1e4 : channel % 5 == 3 ? 0 : draw.between(i, -0.5, -1e-4);
    if (style == "mixed") {
        static constexpr const char* by_head[] = {"weak", "strong", "zero", "reset", "tiny", "inf", "up", "weak"};
        return gate(by_head[head % 8], draw, i, head, channel, token);
    }
    throw Error(Status::invalid_argument, "gates=" + style + ": no such style");
}

double beta(const std::string& style, const Draw& draw, uint64_t i, uint64_t token) {
    if (style == "uniform") return draw.u(i);
    if (style == "one") return 1;
    if (style == "zero") return 0;
    if (style == "tiny") return 1e-6 * draw.u(i);
    if (style == "high") return draw.between(i, 0.98, 1);
    if (style == "over") return draw.between(i, 1, 2);
    if (style == "mixed") {
        static constexpr const char* by_token[] = {"uniform", "high", "uniform", "one", "uniform", "zero", "tiny"};
        return beta(by_token[token % 7], draw, i, token);
    }
    throw Error(Status::invalid_argument, "betas=" + style + ": no such style");
}

/// One row of keys before normalisation.
void key_row(const std::string& style, const Draw& draw, uint64_t row, uint64_t head, std::vector<double>& x) {
    const uint64_t n = x.size();
    for (uint64_t i = 0; i < n; ++i) {
        const double iid = draw.n(row * n + i), common = draw.n((1ull << 40) + head * n + i);
        if (style == "iid") x[i] = iid;
        else if (style == "corr") x[i] = common + 0.33 * iid;  // cos between two rows is about 0.9
        else if (style == "same") x[i] = common;
        else if (style == "onehot") x[i] = i == row % n;
        else if (style == "zero") x[i] = 0;
        else if (style == "mixed") x[i] = row % 13 == 7 ? 0 : head % 2 ? common + 0.33 * iid : iid;
        else throw Error(Status::invalid_argument, "keys=" + style + ": no such style");
    }
}

std::vector<double> rows(const ops::Example::Arg& arg, const Draw& draw, const std::string& style) {
    const uint64_t n = uint64_t(arg.ne[0]), heads = uint64_t(arg.ne[1]);
    const uint64_t count = heads * uint64_t(arg.ne[2] * arg.ne[3]);
    std::vector<double> out, x(n);
    out.reserve(n * count);
    for (uint64_t r = 0; r < count; ++r) {
        key_row(style, draw, r, r % heads, x);
        double norm = 0;
        for (const double e : x) norm += e * e;
        const double by = norm > 0 ? 1 / std::sqrt(norm) : 0;
        for (const double e : x) out.push_back(e * by);
    }
    return out;
}

/// Takes a share u in [0, 1) of row x out again: -u x, entry by entry, x being unit rows of another argument.
std::vector<double> removal(const ops::Example::Arg& arg, const Draw& draw, uint64_t seed) {
    std::vector<double> x = rows(arg, Draw{seed, uint64_t(arg.fill.values.at(0)) + 1}, "iid");
    for (size_t i = 0; i < x.size(); ++i) x[i] *= -draw.u(i);
    return x;
}

}  // namespace

double uniform(uint64_t seed, uint64_t stream, uint64_t counter) {
    return double(mix(mix(mix(seed) ^ stream) ^ counter) >> 11) * 0x1p-53;
}

double normal(uint64_t seed, uint64_t stream, uint64_t counter) {  // Box-Muller on two counters
    const double u = uniform(seed, stream, 2 * counter), v = uniform(seed, stream, 2 * counter + 1);
    return std::sqrt(-2 * std::log(1 - u)) * std::cos(6.283185307179586 * v);
}

std::vector<double> filled(const ops::Example::Arg& arg, uint64_t seed, int index) {
    const Draw draw{seed, uint64_t(index) + 1};
    const std::string &kind = arg.fill.kind, &style = arg.fill.style;
    const uint64_t n = uint64_t(arg.ne[0]), heads = uint64_t(arg.ne[1]);
    const uint64_t count = n * heads * uint64_t(arg.ne[2] * arg.ne[3]);
    std::vector<double> x;
    if (kind == "unit_rows") x = rows(arg, draw, "iid");
    if (kind == "keys") x = rows(arg, draw, style.empty() ? "iid" : style);
    if (kind == "removal") x = removal(arg, draw, seed);
    if (kind == "list") x.assign(arg.fill.values.begin(), arg.fill.values.end());
    if (x.empty()) {
        x.reserve(count);
        for (uint64_t i = 0; i < count; ++i) {
            const uint64_t channel = i % n, head = i / n % heads, token = i / (n * heads);
            if (kind == "zero") x.push_back(0);
            else if (kind == "normal") x.push_back(draw.n(i));
            else if (kind == "uniform") x.push_back(draw.between(i, arg.fill.lo, arg.fill.hi));
            else if (kind == "gates") x.push_back(gate(style, draw, i, head, channel, token));
            else if (kind == "decays") x.push_back(std::exp(gate(style, draw, i, head, channel, token)));
            else if (kind == "betas") x.push_back(beta(style, draw, i, token));
            else if (kind == "states") {
                if (style == "zero") x.push_back(0);
                else if (style == "huge") x.push_back(1e4 * draw.n(i));
                else if (style == "normal" || style.empty()) x.push_back(0.1 * draw.n(i));
                else if (style == "mixed") x.push_back(draw.n(i) * by_slot[(head + token) % 3]);
                else throw Error(Status::invalid_argument, "states=" + style + ": no such style");
            } else throw Error(Status::invalid_argument, "no fill kind '" + kind + "'");
        }
    }
    if (is_quantised(arg.type)) return x;
    for (double& value : x) {  // what the device will see
        uint32_t bits = 0;
        store(&bits, arg.type, value);
        value = load(&bits, arg.type);
    }
    return x;
}

}  // namespace rw::core
