#include "runtime/grammar/json_pattern.h"

#include <fmt/format.h>

#include "rewind/ops/contract.h"
#include "runtime/grammar/gbnf.h"
#include "runtime/grammar/json_parts.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::grammar {
namespace {

const Spans digit{{'0', '9'}}, word{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Spans space{{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
                  {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Spans line_ends{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Expression parse() {
        std::vector<Expression> ways;
        do {
            std::vector<Expression> parts;
            const bool begins = take("^");
            if (!begins) parts.push_back(repeat(json_any_character(), 0));
            parts.push_back(items(0));
            if (!take("$")) parts.push_back(repeat(json_any_character(), 0));
            ways.push_back(sequence(std::move(parts)));
        } while (take("|"));
        if (at_ < text_.size()) refuse(text_[at_] == ')' ? "a parenthesis too many" : "^ or $ in the middle");
        return choice(std::move(ways));
    }

private:
    [[noreturn]] void refuse(std::string_view what) const {
        throw Error(Status::unsupported, fmt::format("pattern \"{}\", at character {}: {} is not supported", text_, at_ + 1, what));
    }
    bool next_is(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    bool take(std::string_view what) {
        if (!next_is(what)) return false;
        at_ += what.size();
        return true;
    }

    Expression items(int depth) {
        if (depth > most_gbnf_depth) refuse("so many groups in one another");
        std::vector<Expression> all;
        while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')' && text_[at_] != '$' && text_[at_] != '^') {
            all.push_back(item(depth));
            quantify(all.back());
        }
        return sequence(std::move(all));
    }

    Expression item(int depth) {
        if (take("(")) {
            if (next_is("?") && !take("?:")) refuse("a group that begins with (?");
            std::vector<Expression> ways;
            do {
                ways.push_back(items(depth + 1));
            } while (take("|"));
            if (!take(")")) refuse(at_ < text_.size() ? "^ or $ within a group" : "a group without its end");
            return choice(std::move(ways));
        }
        if (take("[")) return json_character(character_class());
        if (take(".")) return json_character(complement(line_ends));
        if (std::string_view("*+?{}]").find(text_[at_]) != std::string_view::npos) refuse(fmt::format("'{}' here", text_[at_]));
        Spans set;
        const char32_t c = character(set);
        return json_character(set.empty() ? Spans{{c, c}} : set);
    }

    void quantify(Expression& of) {
        uint32_t least = 0, most = endless;
        if (take("*")) {
        } else if (take("+")) {
            least = 1;
        } else if (take("?")) {
            most = 1;
        } else if (take("{")) {
            least = most = count();
            if (take(",")) most = next_is("}") ? endless : count();
            if (!take("}") || most < least) refuse("this repetition");
        } else {
            return;
        }
        take("?");  // lazy: the same texts
        of = repeat(std::move(of), least, most);
    }

    uint32_t count() {
        const size_t begin = at_;
        uint32_t value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            value = 10 * value + uint32_t(text_[at_] - '0');
            if (value > most_count) refuse("so great a count");
        }
        if (at_ == begin) refuse("a brace without a count");
        return value;
    }

    Spans character_class() {
        const bool others = take("^");
        Spans spans;
        while (!take("]")) {
            Spans set;
            const char32_t first = character(set);
            if (!set.empty()) {
                if (next_is("-") && !next_is("-]")) refuse("a range from a class");
                spans.insert(spans.end(), set.begin(), set.end());
                continue;
            }
            char32_t last = first;
            if (next_is("-") && !next_is("-]")) {
                ++at_;
                last = character(set);
                if (!set.empty() || last < first) refuse("this range");
            }
            spans.push_back({first, last});
        }
        spans = others ? complement(std::move(spans)) : normal(std::move(spans));
        if (spans.empty()) refuse("a class that no character is in");
        return spans;
    }

    /// One character; or, for escapes that stand for many, their set.
    char32_t character(Spans& set) {
        if (at_ >= text_.size()) refuse("an end in the middle");
        if (!take("\\")) {
            const tokenizer::Character c = tokenizer::character_at(text_, at_);
            if (c.code < 0) refuse("what is no UTF-8");
            at_ += c.bytes;
            return char32_t(c.code);
        }
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        if (std::string_view("^$\\.*+?()[]{}|/-\"'#%&,:;<=>@_`~! ").find(c) != std::string_view::npos && c != 0) return ++at_, char32_t(c);
        switch (c) {
            case 'd': set = digit; break;
            case 'w': set = word; break;
            case 's': set = space; break;
            case 'D': set = complement(digit); break;
            case 'W': set = complement(word); break;
            case 'S': set = complement(space); break;
            case 'n': return ++at_, '\n';
            case 't': return ++at_, '\t';
            case 'r': return ++at_, '\r';
            case 'f': return ++at_, '\f';
            case 'v': return ++at_, '\v';
            case 'x': return ++at_, hexadecimal(2);
            case 'u': return ++at_, hexadecimal(4);
            default: refuse("this escape");
        }
        ++at_;
        return 0;
    }

    char32_t hexadecimal(size_t digits) {
        const std::string_view text = text_.substr(at_, digits);
        if (text.size() < digits || text.find_first_not_of("0123456789abcdefABCDEF") != text.npos) refuse("this escape");
        const char32_t value = char32_t(std::stoul(std::string(text), nullptr, 16));
        if (value >= 0xD800 && value <= 0xDFFF) refuse("a surrogate");
        at_ += digits;
        return value;
    }

    std::string_view text_;
    size_t at_ = 0;
};

#define MONTHS "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])"
#define LEAP_YEAR "([1-9][0-9](0[48]|[2468][048]|[13579][26])|(1[26]|[2468][048]|[3579][26])00)"
#define DATE "([1-9][0-9]{3}-(" MONTHS ")|" LEAP_YEAR "-02-29)"
#define TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

}  // namespace

Expression json_pattern(std::string_view pattern) { return Parser(pattern).parse(); }

const char* format_pattern(std::string_view format) {
    if (format == "date") return "^" DATE "$";
    if (format == "time") return "^" TIME "$";
    if (format == "date-time") return "^" DATE "T" TIME "$";
    if (format == "uuid") return "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
    return nullptr;
}

}  // namespace rw::grammar
