#include "rewind/ops/contract.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/device.h"
#include "rewind/rewind.h"

namespace rw {

// RW_API: names, which users of rewind.hpp print, have to be found in a shared library too.
RW_API const char* name_of(Type t) {
    return is_type(int32_t(t)) ? info(t).name : "unknown type";
}

RW_API Type type_named(std::string_view name) {
    std::string names;
    for (const TypeInfo& t : all_types) {
        if (name == t.name) return t.type;
        names += (names.empty() ? "" : ", ") + std::string(t.name);
    }
    throw Error(Status::invalid_argument, "no type '" + std::string(name) + "'; there are: " + names);
}

static_assert([] {
    for (size_t i = 0; i < std::size(all_types); ++i)
        if (size_t(all_types[i].type) != i) return false;
    return true;
}());

RW_API const char* name_of(Status s) {
    static constexpr const char* names[] = {"ok",    "invalid argument", "unsupported", "out of memory", "range",
                                            "device lost", "not found",  "io",          "internal"};
    return size_t(s) < std::size(names) ? names[size_t(s)] : "unknown status";
}

uint64_t Tensor::span() const {
    uint64_t bytes = size_of(type);
    for (int d = 0; d < 4; ++d) bytes += uint64_t(steps(d) - 1) * uint64_t(nb[d]);
    return bytes;
}

Extent contiguous(Type type, const Extent& ne) {
    Extent nb{int64_t(size_of(type)), 0, 0, 0};
    for (int d = 1; d < 4; ++d) nb[d] = nb[d - 1] * (d == 1 ? ne[0] / info(type).block : ne[d - 1]);
    return nb;
}

namespace ops {
namespace {

std::string spell(const Extent& ne) {
    std::string s = "[";
    for (int d = 0; d < 4; ++d) s += (d ? ", " : "") + std::to_string(ne[d]);
    return s + "]";
}

}  // namespace

bool parse_number(std::string_view text, double& value) {
    double parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    value = parsed;
    return true;
}

void Check::fail(Status status, std::initializer_list<std::string> parts) const {
    std::string message = std::string(op_) + ": ";
    for (const std::string& p : parts) message += p;
    throw Error(status, message);
}

void Check::shape(int arg, const char* name, std::initializer_list<int64_t> want, const char* spelled) const {
    const Extent& ne = call_.arg[arg].ne;
    const auto fits = [d = size_t(0), &ne](int64_t w) mutable { return ne[d++] == w || w < 0; };
    if (std::all_of(want.begin(), want.end(), fits)) return;
    std::string wanted;
    for (const int64_t w : want) wanted += (wanted.empty() ? "" : ", ") + (w < 0 ? std::string("any") : std::to_string(w));
    that(false, name, ": expected [", wanted, "] = ", spelled, ", got ", spell(ne), " (ne order, fastest first)");
}

void Check::rows(int arg, const char* name) const {
    const Tensor& t = call_.arg[arg];
    that(t.ne[0] == 1 || t.nb[0] == size_of(t.type), name, ": elements of dimension 0 have to be neighbours (nb[0] = ",
         size_of(t.type), " bytes), got nb[0] = ", t.nb[0]);
}

void Check::packed(int arg, const char* name, int dims) const {
    const Tensor& t = call_.arg[arg];
    const Extent nb = contiguous(t.type, t.ne);
    for (int d = 0; d <= dims; ++d)
        that(t.ne[d] == 1 || t.nb[d] == nb[d], name, ": dimension ", d, " has to be packed (nb = ", nb[d], "), got nb = ",
             t.nb[d]);
}

void Check::fits(int arg, const char* name) const {
    const Tensor& t = call_.arg[arg];
    constexpr int64_t most = std::numeric_limits<int32_t>::max();
    for (int d = 0; d < 4; ++d)
        supported(t.ne[d] <= most && t.stride(d) <= most, name, ": extent or stride of dimension ", d,
                  " passes 2^31 - 1 elements");
}

Dims::Dims(std::string_view text) {
    while (!text.empty()) {
        const size_t start = text.find_first_not_of(" \t\r\n");
        if (start == text.npos) break;
        text.remove_prefix(start);
        const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
        const std::string_view word = text.substr(0, end);
        const size_t eq = word.find('=');
        if (eq == word.npos || eq == 0)
            throw Error(Status::invalid_argument, "case: '" + std::string(word) + "' is not key=value");
        const std::string key(word.substr(0, eq));
        if (!words_.emplace(key, word.substr(eq + 1)).second)
            throw Error(Status::invalid_argument, "case: " + key + " is given twice; which of the two is meant?");
        text.remove_prefix(end);
    }
}

std::string Dims::word(const std::string& key, const std::string& fallback) const {
    read_.insert(key);
    const auto it = words_.find(key);
    return it == words_.end() ? fallback : it->second;
}

double Dims::number(const std::string& key, double fallback) const {
    const std::string w = word(key, "");
    double value = fallback;
    if (w.empty() || parse_number(w, value)) return value;
    throw Error(Status::invalid_argument, "case: " + key + "=" + w + " is not a number");
}

int64_t Dims::integer(const std::string& key, int64_t fallback) const {
    const double value = number(key, double(fallback));
    if (!(std::abs(value) < 0x1p62) || value != double(int64_t(value)))
        throw Error(Status::invalid_argument, "case: " + key + " has to be a whole number");
    return int64_t(value);
}

std::vector<int64_t> Dims::list(const std::string& key) const {
    std::vector<int64_t> values;
    std::string rest = word(key, "");
    while (!rest.empty()) {
        const size_t comma = std::min(rest.find(','), rest.size());
        int64_t value = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + comma, value);
        if (error != std::errc() || end != rest.data() + comma)
            throw Error(Status::invalid_argument, "case: " + key + "=" + rest + " is not a list like 3,0,2");
        values.push_back(value);
        rest.erase(0, comma + 1);
    }
    return values;
}

void Dims::all_read() const {
    for (const auto& [key, value] : words_)
        if (!read_.count(key)) throw Error(Status::invalid_argument, "case: nobody knows the word " + key + "=" + value);
}

std::string Dims::text() const {
    std::string s;
    for (const auto& [key, value] : words_) s += (s.empty() ? "" : " ") + key + "=" + value;
    return s;
}

Example::Arg& Example::put(int index, Type type, Extent ne, Fill fill) {
    Arg& a = arg.at(size_t(index));
    a = Arg{true, type, ne, {0, 0, 0, 0}, std::move(fill), -1};
    return a;
}

}  // namespace ops
}  // namespace rw
