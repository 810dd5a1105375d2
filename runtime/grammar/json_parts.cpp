#include "runtime/grammar/json_parts.h"

#include <fmt/format.h>

#include <map>

#include "runtime/tokenizer/unicode.h"

namespace rw::grammar {
namespace {

const Spans written_escaped{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
constexpr std::string_view digits = "0123456789", escapes = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";

Expression digit(uint32_t least, uint32_t most) { return repeat(one_of(digits), least, most); }
Expression hexadecimal(uint32_t count) { return repeat(one_of("0123456789abcdefABCDEF"), count, count); }

Spans common(Spans a, Spans b) {
    a = complement(std::move(a));
    for (const Span& s : complement(std::move(b))) a.push_back(s);
    return complement(std::move(a));
}

bool holds(const Spans& spans, char32_t c) {
    for (const Span& s : spans)
        if (s.first <= c && c <= s.last) return true;
    return false;
}

}  // namespace

Expression json_blank() {
    return optional(choice({text(" "), sequence({text("\n"), repeat(one_of(" \t"), 0, 40)})}));
}

Expression json_character(const Spans& spans) {
    std::vector<Expression> ways;
    if (Spans plain = common(spans, complement(written_escaped)); !plain.empty()) ways.push_back(one_of(std::move(plain)));
    for (const Span& s : common(spans, written_escaped))
        for (char32_t c = s.first; c <= s.last; ++c) {
            const size_t known = escapes.find(char(c));
            ways.push_back(text(known == escapes.npos ? fmt::format("\\u{:04x}", uint32_t(c)) : fmt::format("\\{}", letters[known])));
        }
    return choice(std::move(ways));
}

Expression json_any_character() {
    // Half a surrogate pair is no character, and readers refuse it.
    const Expression alone = choice({sequence({one_of("0123456789abcefABCEF"), hexadecimal(3)}),
                                     sequence({one_of("dD"), one_of("01234567"), hexadecimal(2)})});
    const Expression pair = sequence({one_of("dD"), one_of("89abAB"), hexadecimal(2), text("\\u"), one_of("dD"), one_of("cdefCDEF"), hexadecimal(2)});
    return choice({one_of(complement(written_escaped)),
                   sequence({text("\\"), choice({one_of("\"\\/bfnrt"), sequence({text("u"), choice({alone, pair})})})})});
}

Expression json_string_of(Expression content) { return sequence({text("\""), std::move(content), text("\"")}); }

Expression json_string_but(Rules& rules, const std::vector<std::string>& names) {
    struct Node {
        uint32_t rule;
        bool name = false;
        std::map<char32_t, size_t> next;
    };
    const auto add = [&] { return rules.add("the name of a further property"); };
    std::vector<Node> nodes{{add()}};
    for (const std::string& name : names) {
        size_t at = 0;
        for (size_t i = 0; i < name.size();) {
            const tokenizer::Character c = tokenizer::character_at(name, i);
            i += c.bytes;
            const auto [next, added] = nodes[at].next.try_emplace(char32_t(c.code), nodes.size());
            at = next->second;
            if (added) nodes.push_back({add()});
        }
        nodes[at].name = true;
    }
    const Expression rest = repeat(one_of(complement(written_escaped)), 0);
    for (const Node& node : nodes) {
        std::vector<Expression> ways;
        Spans others = written_escaped;
        for (const auto& [c, next] : node.next) {
            others.push_back({c, c});
            if (holds(written_escaped, c)) continue;  // would be written escaped, which is not done here
            std::string bytes;
            append_utf8(c, bytes);
            ways.push_back(sequence({text(bytes), call(nodes[next].rule)}));
        }
        ways.push_back(sequence({one_of(complement(std::move(others))), rest}));
        if (!node.name) ways.push_back(text(""));
        rules[node.rule] = choice(std::move(ways));
    }
    return json_string_of(call(nodes.front().rule));
}

Expression json_integer() {
    return sequence({optional(text("-")), choice({text("0"), sequence({one_of("123456789"), digit(0, 15)})})});
}

Expression json_number() {
    return sequence({json_integer(), optional(sequence({text("."), digit(1, 16)})),
                     optional(sequence({one_of("eE"), optional(one_of("+-")), digit(1, 2)}))});
}

Expression json_enclosed(const char* begin, Expression inner, const char* end) {
    return sequence({text(begin), json_blank(), std::move(inner), json_blank(), text(end)});
}

Expression json_next(Expression item) { return sequence({text(","), json_blank(), std::move(item)}); }

Expression json_member(Expression key, Expression value) {
    return sequence({std::move(key), text(":"), optional(text(" ")), std::move(value)});
}

const JsonValues::Made& JsonValues::made() {
    if (done_) return made_;
    done_ = true;
    made_ = {rules_.add("value"), rules_.add("object"), rules_.add("array"), rules_.add("string")};
    const uint32_t number = rules_.add("number");
    const auto list = [](const Expression& item) { return optional(sequence({item, repeat(json_next(item), 0)})); };
    rules_[number] = json_number();
    rules_[made_.string] = json_string_of(repeat(json_any_character(), 0));
    rules_[made_.object] = json_enclosed("{", list(json_member(call(made_.string), call(made_.value))), "}");
    rules_[made_.array] = json_enclosed("[", list(call(made_.value)), "]");
    rules_[made_.value] = choice({call(made_.object), call(made_.array), call(made_.string), call(number), text("true"), text("false"), text("null")});
    return made_;
}

}  // namespace rw::grammar
