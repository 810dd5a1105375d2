#include "runtime/grammar/expression.h"

#include <fmt/format.h>

#include <algorithm>

#include "rewind/ops/contract.h"

namespace rw::grammar {

Spans complement(Spans spans) {
    constexpr Span surrogates{0xD800, 0xDFFF};
    spans.push_back(surrogates);
    std::sort(spans.begin(), spans.end());
    Spans others;
    char32_t next = 0;
    for (const Span& s : spans) {
        if (s.first > next) others.push_back({next, s.first - 1});
        next = std::max(next, char32_t(s.last + 1));
    }
    if (next <= last_character) others.push_back({next, last_character});
    return others;
}

Spans normal(Spans spans) { return complement(complement(std::move(spans))); }

void append_utf8(char32_t c, std::string& out) {
    const auto tail = [&](int shift) { out += char(0x80 | ((c >> shift) & 0x3F)); };
    if (c < 0x80) {
        out += char(c);
    } else if (c < 0x800) {
        out += char(0xC0 | (c >> 6)), tail(0);
    } else if (c < 0x10000) {
        out += char(0xE0 | (c >> 12)), tail(6), tail(0);
    } else {
        out += char(0xF0 | (c >> 18)), tail(12), tail(6), tail(0);
    }
}

Expression text(std::string_view bytes) { return {.kind = Expression::Kind::literal, .bytes = std::string(bytes)}; }

Expression one_of(Spans spans) { return {.kind = Expression::Kind::set, .set = normal(std::move(spans))}; }

Expression one_of(std::string_view ascii) {
    Spans spans;
    for (const char c : ascii) spans.push_back({char32_t(c), char32_t(c)});
    return one_of(std::move(spans));
}

Expression sequence(std::vector<Expression> parts) { return {.kind = Expression::Kind::sequence, .parts = std::move(parts)}; }

Expression choice(std::vector<Expression> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    return {.kind = Expression::Kind::choice, .parts = std::move(parts)};
}

Expression repeat(Expression part, uint32_t least, uint32_t most) {
    Expression e{.kind = Expression::Kind::repeat, .least = least, .most = most};
    e.parts.push_back(std::move(part));
    return e;
}

Expression call(uint32_t rule) { return {.kind = Expression::Kind::call, .rule = rule}; }

uint32_t Rules::add(std::string name) {
    if (rules_.size() >= most)
        throw Error(Status::invalid_argument, fmt::format("the grammar needs more than {} rules: make it smaller", most));
    rules_.push_back({std::move(name)});
    return uint32_t(rules_.size() - 1);
}

}  // namespace rw::grammar
