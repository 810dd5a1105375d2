#include "runtime/grammar/gbnf.h"

#include <fmt/format.h>

#include <map>

#include "rewind/ops/contract.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::grammar {
namespace {

bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Rules parse() {
        if (text_.size() > most_gbnf_bytes)
            throw Error(Status::invalid_argument, fmt::format("the grammar has {} bytes, {} is the most", text_.size(), most_gbnf_bytes));
        for (space(); at_ < text_.size(); space()) rule();
        const auto root = names_.find("root");
        if (root == names_.end() || !root->second.defined)
            throw Error(Status::invalid_argument, "the grammar has no rule 'root', where texts begin: add `root ::= ...`");
        for (const auto& [name, known] : names_)
            if (!known.defined) fail(fmt::format("rule '{}' is used and not defined", name), known.first_use);
        rules_.root = root->second.rule;
        return std::move(rules_);
    }

private:
    struct Known {
        uint32_t rule;
        size_t first_use;
        bool defined = false;
    };

    [[noreturn]] void fail(const std::string& why, size_t at) const {
        size_t line = 1, column = 1;
        for (size_t i = 0; i < at && i < text_.size(); ++i) {
            if (text_[i] == '\n') ++line, column = 1;
            else column += (uint8_t(text_[i]) & 0xC0) != 0x80;
        }
        throw Error(Status::invalid_argument, fmt::format("grammar, line {}, column {}: {}", line, column, why));
    }
    [[noreturn]] void expected(const char* what) const {
        if (at_ >= text_.size()) fail(fmt::format("expected {}, the text ends", what), at_);
        const tokenizer::Character c = tokenizer::character_at(text_, at_);
        if (c.code < 0) fail(fmt::format("expected {}, found byte 0x{:02X}, which is no UTF-8", what, uint8_t(text_[at_])), at_);
        if (c.code < 0x20) fail(fmt::format("expected {}, found character 0x{:02X}", what, c.code), at_);
        fail(fmt::format("expected {}, found '{}'", what, text_.substr(at_, c.bytes)), at_);
    }
    bool next_is(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    bool take(std::string_view what) {
        if (!next_is(what)) return false;
        at_ += what.size();
        return true;
    }
    void need(std::string_view sign, const char* what) {
        if (!take(sign)) expected(what);
    }
    void space() {
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size() - 1);
            else if (std::string_view(" \t\r\n").find(text_[at_]) == std::string_view::npos) break;
        }
    }
    std::string_view name() {
        const size_t begin = at_;
        while (at_ < text_.size() && in_name(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    /// Whether a rule begins here, and not a use of one.
    bool rule_begins() {
        const size_t here = at_;
        const bool begins = !name().empty() && (space(), next_is("::="));
        at_ = here;
        return begins;
    }
    Known& known(std::string_view name, size_t at) {
        const auto [entry, added] = names_.try_emplace(std::string(name));
        if (added) entry->second = {rules_.add(std::string(name)), at};
        return entry->second;
    }

    void rule() {
        const size_t begin = at_;
        const std::string_view called = name();
        if (called.empty()) expected("the name of a rule");
        Known& rule = known(called, begin);
        if (rule.defined) fail(fmt::format("rule '{}' is defined twice", called), begin);
        rule.defined = true;
        space();
        need("::=", "'::='");
        const uint32_t number = rule.rule;
        Expression expression = alternatives(0);
        rules_[number] = std::move(expression);
        if (at_ < text_.size() && !rule_begins()) expected("a literal, a class, a group, the name of a rule, '.' or '|'");
    }

    Expression alternatives(int depth) {
        if (depth > most_gbnf_depth) fail(fmt::format("more than {} groups in one another", most_gbnf_depth), at_);
        std::vector<Expression> all;
        do {
            all.push_back(items(depth));
        } while (take("|"));
        return choice(std::move(all));
    }

    Expression items(int depth) {
        std::vector<Expression> all;
        for (space(); at_ < text_.size(); space()) {
            const char c = text_[at_];
            if (c == '"') all.push_back(literal());
            else if (c == '[') all.push_back(character_class());
            else if (take(".")) all.push_back(one_of(complement({})));
            else if (in_name(c) && !rule_begins()) all.push_back(use());
            else if (take("(")) all.push_back(group(depth));
            else if (!all.empty() && (c == '*' || c == '+' || c == '?' || c == '{')) repetition(all.back());
            else break;
        }
        return all.size() == 1 ? std::move(all.front()) : sequence(std::move(all));
    }

    Expression use() {
        const size_t begin = at_;
        return call(known(name(), begin).rule);
    }

    Expression group(int depth) {
        Expression inner = alternatives(depth + 1);
        need(")", "')' or more of the group");
        return inner;
    }

    /// Repetitions of repetitions nest like groups.
    void repetition(Expression& of) {
        int depth = 0;
        for (const Expression* e = &of; e->kind == Expression::Kind::repeat; e = &e->parts.front()) ++depth;
        if (depth > 8) fail("more than eight repetitions of one another", at_);
        uint32_t least = 0, most = endless;
        if (take("*")) {
        } else if (take("+")) {
            least = 1;
        } else if (take("?")) {
            most = 1;
        } else {
            const size_t begin = at_++;
            space();
            least = most = count();
            space();
            if (take(",")) {
                space();
                most = next_is("}") ? endless : count();
                space();
            }
            need("}", "'}'");
            if (most < least) fail(fmt::format("a repetition of at least {} and at most {}", least, most), begin);
        }
        of = repeat(std::move(of), least, most);
    }

    uint32_t count() {
        const size_t begin = at_;
        uint64_t value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            value = 10 * value + uint64_t(text_[at_] - '0');
            if (value > most_count) fail(fmt::format("a count of more than {}: write * or {{m,}}", most_count), begin);
        }
        if (at_ == begin) expected("a count");
        return uint32_t(value);
    }

    Expression literal() {
        ++at_;
        std::string bytes;
        while (!take("\"")) append_utf8(character("'\"' at the end of the literal"), bytes);
        return text(bytes);
    }

    Expression character_class() {
        const size_t begin = at_++;
        const bool others = take("^");
        Spans spans;
        while (spans.empty() || !next_is("]")) {
            const size_t from = at_;
            if (next_is("]")) expected("a character of the class; ']' itself is written \\]");
            Span span{character("']' at the end of the class"), 0};
            span.last = span.first;
            if (next_is("-") && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
                ++at_;
                span.last = character("the last character of the range");
                if (span.last < span.first) fail("a range whose last character comes before its first", from);
            }
            spans.push_back(span);
        }
        ++at_;
        Spans chosen = others ? complement(std::move(spans)) : normal(std::move(spans));
        if (chosen.empty()) fail("a class that no character is in", begin);
        return one_of(std::move(chosen));
    }

    /// The next character of a literal or class, written out or escaped.
    char32_t character(const char* what) {
        if (at_ >= text_.size() || text_[at_] == '\n') expected(what);
        if (take("\\")) return escaped();
        const tokenizer::Character c = tokenizer::character_at(text_, at_);
        if (c.code < 0) expected("a character");
        at_ += c.bytes;
        return char32_t(c.code);
    }

    char32_t escaped() {
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        switch (c) {
            case 'n': return ++at_, '\n';
            case 'r': return ++at_, '\r';
            case 't': return ++at_, '\t';
            case 'x': return ++at_, hexadecimal(2);
            case 'u': return ++at_, hexadecimal(4);
            case 'U': return ++at_, hexadecimal(8);
            case '"': case '\\': case '[': case ']': case '-': case '^': case '/': return ++at_, char32_t(c);
            default: expected("one of n r t x u U \" \\ [ ] - ^ / behind the backslash");
        }
    }

    char32_t hexadecimal(int digits) {
        const size_t begin = at_;
        char32_t value = 0;
        for (int i = 0; i < digits; ++i, ++at_) {
            const char c = at_ < text_.size() ? text_[at_] : '\0';
            const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
            if (digit < 0) expected("a hexadecimal digit");
            value = value << 4 | char32_t(digit);
        }
        if (value > last_character || (value >= 0xD800 && value <= 0xDFFF)) fail("an escape that is no character", begin);
        return value;
    }

    std::string_view text_;
    size_t at_ = 0;
    Rules rules_;
    std::map<std::string, Known> names_;
};

}  // namespace

Rules parse_gbnf(std::string_view text) { return Parser(text).parse(); }

}  // namespace rw::grammar
